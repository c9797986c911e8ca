// The reconnect machine: one input, the present time and a random source in; the next state and what to do out.
// It knows nothing of sockets, timers or promises. Everything that changes a state begins here.
import { BLIP_MS } from "../backoff.ts";
import type { Config } from "../config.ts";
import { HoldfastError } from "../failure.ts";
import { earliestDial } from "../pacing.ts";
import type { Instant, Random } from "../ports.ts";
import { LATE_MS } from "./lateness.ts";
import type { Input } from "./messages.ts";
import { dialNow, drop, end, stay, timerMs, type Step } from "./moves.ts";
import type { AuthRequired, Dialing, MachineState, Waiting } from "./state.ts";
import { heard, linkUp, stepUp } from "./up.ts";
import { dialFailed } from "./verdict.ts";

/** Advance by one input. `random` is uniform in [0, 1). Inputs that make no sense in a state change nothing. */
export function step(before: MachineState, input: Input, now: Instant, config: Config, random: Random): Step {
  const late = "dial" in input && input.dial !== before.memory.dial;
  if (before.at === "ended" || late) return stay(before);
  const state = before.at === "up" ? heard(before, input.heardAt) : before;
  if (input.type === "close") return close(state, now);
  switch (state.at) {
    case "idle": {
      if (input.type !== "start") return stay(state);
      return dialNow({ ...state.memory, lostAt: now, since: now }, now, config);
    }
    case "waiting":
      return stepWaiting(state, input, now, config, random);
    case "dialing":
      return stepDialing(state, input, now, config, random);
    case "up":
      return stepUp(state, input, now, config, random);
    case "auth_required":
      return stepAuthRequired(state, input, now, config);
  }
}

function close(state: MachineState, now: Instant): Step {
  const failure = new HoldfastError({ code: "closed", message: "closed", kind: "fatal", fault: "local" });
  const ended = stay(end(state.memory, "closed", undefined, now));
  if (state.at === "dialing") return drop("cancel_dial", state.memory, failure, ended);
  return state.at === "up" ? drop("hang_up", state.memory, failure, ended) : ended;
}

function stepWaiting(state: Waiting, input: Input, now: Instant, config: Config, random: Random): Step {
  const { memory } = state;
  switch (input.type) {
    case "wake": {
      const woken = { ...memory, grace: true };
      if (input.reason === "user") return dialNow(woken, now, config);
      const soon = Math.max(now + random() * BLIP_MS, state.notBefore, earliestDial(memory.recentDials));
      const changed = { ...woken, changedAt: now };
      return stay({ ...state, memory: changed, retryAt: Math.min(state.retryAt, soon) });
    }
    case "tick":
      if (now >= state.retryAt) return dialNow(memory, now, config);
      return budgetSpent(state, now, config, random);
    case "adjusted": {
      const wanted = memory.since + timerMs(input.delayMs);
      const retryAt = Math.max(wanted, state.notBefore, earliestDial(memory.recentDials));
      return stay({ ...state, retryAt });
    }
    case "vetoed":
      return stay(end(memory, "vetoed", memory.failure, now));
    default:
      return stay(state);
  }
}

/** The give-up budget ran out in a wait, which happens only where the peer asked for a longer one. */
function budgetSpent(state: Waiting, now: Instant, config: Config, random: Random): Step {
  const { memory } = state;
  const spentAt = (memory.lostAt ?? now) + config.giveUpAfterMs;
  if (now < spentAt || memory.grace) return stay(state);
  // A late timer means that the process, and not the budget, was asleep: one more dial first.
  if (now - spentAt > LATE_MS)
    return stepWaiting(state, { type: "wake", reason: "sleep" }, now, config, random);
  return stay(end(memory, "gave_up", memory.failure, now));
}

function stepDialing(state: Dialing, input: Input, now: Instant, config: Config, random: Random): Step {
  switch (input.type) {
    case "opened":
      return linkUp(state, input.link, now, config);
    case "dial_failed":
      return dialFailed(state, input.failure, now, config, random);
    case "wake":
      return wakeDialing(state, input.reason === "user", now, config);
    case "tick": {
      if (now < state.expiresAt) return stay(state);
      const failure = new HoldfastError({
        code: "timed_out",
        message: `no answer within ${Math.round(now - state.startedAt)} ms`,
      });
      const late = now - state.expiresAt > LATE_MS;
      return drop(
        "cancel_dial",
        state.memory,
        failure,
        dialFailed(state, failure, now, config, random, late),
      );
    }
    default:
      return stay(state);
  }
}

/**
 * A dial that began before the network changed goes nowhere: start it again, but at most once per dial timeout,
 * or a network that keeps changing would let none of them end.
 */
function wakeDialing(state: Dialing, byUser: boolean, now: Instant, config: Config): Step {
  const { memory } = state;
  const stale = byUser
    ? memory.changedAt > state.startedAt
    : memory.restartedAt + config.dialTimeoutMs <= now;
  const woken = { ...memory, grace: true, changedAt: byUser ? memory.changedAt : now };
  if (!stale) return stay({ ...state, memory: woken });
  const failure = new HoldfastError({
    code: "network_changed",
    message: "the network changed",
    fault: "local",
  });
  return drop("cancel_dial", memory, failure, dialNow({ ...woken, restartedAt: now }, now, config));
}

function stepAuthRequired(state: AuthRequired, input: Input, now: Instant, config: Config): Step {
  const asked = input.type === "answered" || (input.type === "wake" && input.reason === "user");
  return asked ? dialNow({ ...state.memory, grace: true }, now, config) : stay(state);
}
