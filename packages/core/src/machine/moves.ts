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

/** Not who we expected, or nobody who speaks our protocol: captive portals look like this. DESIGN rule 10. */
export const SUSPECT: ReadonlySet<string> = new Set(["identity_changed", "not_our_peer"]);

export function stay(state: MachineState): Step {
  return { state, actions: [] };
}

/** Dial at `wantedAt`, or as soon after it as the pacing floor allows. */
export function dialAt(memory: Memory, wantedAt: Instant, now: Instant, config: Config): Step {
  const retryAt = Math.max(wantedAt, earliestDial(memory.recentDials));
  if (retryAt > now) return waitUntil(memory, retryAt, -Infinity, now);
  const begun: Memory = {
    ...memory,
    dial: memory.dial + 1,
    attempt: memory.attempt + 1,
    recentDials: recordDial(memory.recentDials, now),
    grace: false,
    since: now,
  };
  const { dial, attempt, refused } = begun;
  const suspect = SUSPECT.has(memory.failure?.code ?? "");
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
