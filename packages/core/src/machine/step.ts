// The reconnect machine: one input, the present time and a random source in; the next state and what to do out.
// It knows nothing of sockets, timers or promises. Everything that changes a state begins here.
import { BLIP_MS } from "../backoff.ts";
import { MAX_TIMER_MS, type Config } from "../config.ts";
import { HoldfastError } from "../failure.ts";
import { earliestDial } from "../pacing.ts";
import type { Instant, Random } from "../ports.ts";
import { LATE_MS } from "./lateness.ts";
import type { Input } from "./messages.ts";
import { dialAt, end, stay, type Step } from "./moves.ts";
import type { AuthRequired, Dialing, MachineState, Waiting } from "./state.ts";
import { linkUp, stepUp } from "./up.ts";
import { dialFailed } from "./verdict.ts";

/** Advance by one input. `random` is uniform in [0, 1). Inputs that make no sense in a state change nothing. */
export function step(state: MachineState, input: Input, now: Instant, config: Config, random: Random): Step {
  if (state.at === "ended") return stay(state);
  if (input.type === "close") return close(state, now);
  switch (state.at) {
    case "idle": {
      if (input.type !== "start") return stay(state);
      return dialAt({ ...state.memory, lostAt: now, since: now }, now, now, config);
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
  const ended = end(state.memory, "closed", undefined, now);
  const { dial } = state.memory;
  if (state.at === "dialing") return { state: ended, actions: [{ type: "cancel_dial", dial, failure }] };
  if (state.at === "up") return { state: ended, actions: [{ type: "hang_up", dial, failure }] };
  return stay(ended);
}

function stepWaiting(state: Waiting, input: Input, now: Instant, config: Config, random: Random): Step {
  const { memory } = state;
  switch (input.type) {
    case "wake": {
      const woken = { ...memory, grace: true };
      if (input.reason === "user") return dialAt(woken, now, now, config);
      const soon = Math.max(now + random() * BLIP_MS, state.notBefore, earliestDial(memory.recentDials));
      const changed = { ...woken, changedAt: now };
      return stay({ ...state, memory: changed, retryAt: Math.min(state.retryAt, soon) });
    }
    case "tick":
      if (now >= state.retryAt) return dialAt(memory, now, now, config);
      return budgetSpent(state, now, config, random);
    case "adjusted": {
      if (input.dial !== memory.dial) return stay(state);
      const wanted = memory.since + Math.min(input.delayMs, MAX_TIMER_MS);
      const retryAt = Math.max(wanted, state.notBefore, earliestDial(memory.recentDials));
      return stay({ ...state, retryAt });
    }
    case "vetoed":
      if (input.dial !== memory.dial) return stay(state);
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
  const { memory } = state;
  const { dial } = memory;
  switch (input.type) {
    case "opened":
      return input.dial === dial ? linkUp(state, input.link, now, config) : stay(state);
    case "dial_failed":
      if (input.dial !== dial) return stay(state);
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
      const after = dialFailed(state, failure, now, config, random, late);
      return { state: after.state, actions: [{ type: "cancel_dial", dial, failure }, ...after.actions] };
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
  const again = dialAt({ ...woken, restartedAt: now }, now, now, config);
  return {
    state: again.state,
    actions: [{ type: "cancel_dial", dial: memory.dial, failure }, ...again.actions],
  };
}

function stepAuthRequired(state: AuthRequired, input: Input, now: Instant, config: Config): Step {
  const asked = input.type === "answered" || (input.type === "wake" && input.reason === "user");
  return asked ? dialAt(state.memory, now, now, config) : stay(state);
}
