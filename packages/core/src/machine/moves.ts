// The moves that several states share: begin a dial, wait for one, end.
import { MAX_TIMER_MS, type Config } from "../config.ts";
import type { HoldfastError } from "../failure.ts";
import { earliestDial, recordDial } from "../pacing.ts";
import type { Instant } from "../ports.ts";
import type { EndReason } from "../status.ts";
import type { Action } from "./messages.ts";
import type { Ended, MachineState, Memory } from "./state.ts";

export interface Step {
  readonly state: MachineState;
  readonly actions: readonly Action[];
}

export function stay(state: MachineState): Step {
  return { state, actions: [] };
}

/** Give up what is being made or is up, and then do as `then` says. */
export function drop(
  type: "cancel_dial" | "hang_up",
  memory: Memory,
  failure: HoldfastError,
  then: Step,
): Step {
  return { state: then.state, actions: [{ type, dial: memory.dial, failure }, ...then.actions] };
}

/** Whatever was asked for, as a delay that a timer can take. */
export function timerMs(delayMs: number): number {
  return Math.max(0, Math.min(delayMs, MAX_TIMER_MS)) || 0;
}

/** Dial now, or as soon as the pacing floor allows. */
export function dialNow(memory: Memory, now: Instant, config: Config): Step {
  const retryAt = earliestDial(memory.recentDials);
  if (retryAt > now) return waitUntil(memory, retryAt, -Infinity, now);
  const begun: Memory = {
    ...memory,
    dial: memory.dial + 1,
    attempt: memory.attempt + 1,
    recentDials: recordDial(memory.recentDials, now),
    grace: false,
    since: now,
  };
  const { dial, attempt, refused, suspect } = begun;
  return {
    state: { at: "dialing", memory: begun, startedAt: now, expiresAt: now + config.dialTimeoutMs },
    actions: [{ type: "dial", dial, attempt, refused, suspect }],
  };
}

/** Wait until `retryAt`, which no wake but a user's may bring forward to before `notBefore`. */
export function waitUntil(memory: Memory, retryAt: Instant, notBefore: Instant, now: Instant): Step {
  const bounded = Math.min(retryAt, now + MAX_TIMER_MS);
  return stay({ at: "waiting", memory: { ...memory, since: now }, retryAt: bounded, notBefore });
}

export function end(
  memory: Memory,
  code: EndReason["code"],
  error: HoldfastError | undefined,
  now: Instant,
): Ended {
  const reason = { code, error, failures: memory.failures };
  return { at: "ended", memory: { ...memory, failure: error ?? memory.failure, since: now }, reason };
}
