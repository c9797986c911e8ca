// A link that is up: is it alive, does its data move, has it lived long enough to be trusted?
import type { Config } from "../config.ts";
import { HoldfastError } from "../failure.ts";
import type { Instant, Random } from "../ports.ts";
import { deadAt, pingDue, PROBE_MS, stuckAt, watched } from "./liveness.ts";
import { LATE_MS } from "./lateness.ts";
import type { Action, Input } from "./messages.ts";
import { stay, type Step } from "./moves.ts";
import type { Dialing, LinkTraits, Up } from "./state.ts";
import { linkLost, reset } from "./verdict.ts";

/** The handshake is complete. The epoch rises in the same step. */
export function linkUp(state: Dialing, link: LinkTraits, now: Instant, config: Config): Step {
  const { memory } = state;
  const risen = { ...memory, epoch: memory.epoch + 1, attempt: 0, grace: false, since: now, lastHeard: now };
  const up: Up = {
    at: "up",
    memory: config.resetOn === "connect" ? reset(risen) : risen,
    link,
    stable: false,
    draining: undefined,
    heardAt: now,
    pingedAt: now,
    pingOut: false,
    pingFailures: 0,
    probeUntil: undefined,
    unackedBytes: 0,
    movedBytes: 0,
    movedAt: now,
    liveness: { outcome: "unknown" },
  };
  return stay(watched(up, config) ? up : { ...up, liveness: { outcome: "not_configured" } });
}

export function stepUp(state: Up, input: Input, now: Instant, config: Config, random: Random): Step {
  if ("dial" in input && input.dial !== state.memory.dial) return stay(state);
  switch (input.type) {
    case "lost":
      return linkLost(heard(state, input.heardAt), input.failure, now, config, random);
    case "drain_announced":
      return stay({ ...state, draining: { windowMs: input.windowMs } });
    case "progress":
      return stay(progressed(state, input.unackedBytes, input.movedBytes, now));
    case "ping_failed":
      return pingFailed(state, input.failure, now, config, random);
    case "ping_sent":
      return stay({ ...state, pingFailures: 0 });
    case "wake":
      if (input.addressGone) {
        const gone = { code: "address_gone", message: "the local address is gone", fault: "local" } as const;
        return hangUp(state, new HoldfastError(gone), now, config, random);
      }
      return watched(state, config) && state.probeUntil === undefined ? probe(state, now) : stay(state);
    case "tick":
      return tick(state, input.heardAt, now, config, random);
    default:
      return stay(state);
  }
}

function tick(before: Up, heardAt: Instant | undefined, now: Instant, config: Config, random: Random): Step {
  let state = heard(before, heardAt);
  if (!state.stable && now >= state.memory.since + config.stableAfterMs) {
    state = { ...state, stable: true, memory: reset(state.memory) };
  }
  const dead = deathOf(state, now, config);
  if (dead === "late") return probe(state, now);
  if (dead !== undefined) return hangUp(state, dead, now, config, random);
  return pingDue(state, config) <= now ? ping(state, now) : stay(state);
}

/** Any byte is life, and answers whatever had been asked. */
function heard(state: Up, at: Instant | undefined): Up {
  if (at === undefined || at <= state.heardAt) return state;
  const count = state.liveness.outcome === "succeeded" ? state.liveness.count + 1 : 1;
  return {
    ...state,
    heardAt: at,
    pingOut: false,
    pingFailures: 0,
    probeUntil: undefined,
    liveness: state.pingOut ? { outcome: "succeeded", count } : state.liveness,
  };
}

function deathOf(state: Up, now: Instant, config: Config): HoldfastError | "late" | undefined {
  const silentAt = deadAt(state, config);
  const idleAt = stuckAt(state, config);
  const dueAt = Math.min(silentAt, idleAt);
  if (now < dueAt) return undefined;
  // A timer that comes late says that we slept, not that the peer did: ask before judging.
  if (state.probeUntil === undefined && now - dueAt > LATE_MS) return "late";
  return silentAt <= idleAt
    ? new HoldfastError({ code: "no_life", message: `no sign of life for ${seconds(now - state.heardAt)}` })
    : new HoldfastError({
        code: "no_progress",
        message: `no data moved for ${seconds(now - state.movedAt)}`,
      });
}

function probe(state: Up, now: Instant): Step {
  const probing = { ...state, probeUntil: now + PROBE_MS, movedAt: now };
  return state.link.pings ? ping(probing, now) : stay(probing);
}

function ping(state: Up, now: Instant): Step {
  const missed = state.pingOut ? failed(state) : state;
  const action: Action = { type: "ping", dial: state.memory.dial };
  return { state: { ...missed, pingedAt: now, pingOut: true }, actions: [action] };
}

function failed(state: Up): Up {
  const count = state.liveness.outcome === "failed" ? state.liveness.count + 1 : 1;
  return { ...state, liveness: { outcome: "failed", count } };
}

function pingFailed(state: Up, failure: HoldfastError, now: Instant, config: Config, random: Random): Step {
  const worse = { ...failed(state), pingFailures: state.pingFailures + 1 };
  const most = config.heartbeat?.maxFailures ?? 0;
  const enough = !state.link.survivesPingFailure || (most > 0 && worse.pingFailures >= most);
  return enough ? hangUp(worse, failure, now, config, random) : stay(worse);
}

function progressed(state: Up, unackedBytes: number, movedBytes: number, now: Instant): Up {
  const moved = state.unackedBytes === 0 || movedBytes !== state.movedBytes;
  return { ...state, unackedBytes, movedBytes, movedAt: moved ? now : state.movedAt };
}

function hangUp(state: Up, failure: HoldfastError, now: Instant, config: Config, random: Random): Step {
  const after = linkLost(state, failure, now, config, random);
  const action: Action = { type: "hang_up", dial: state.memory.dial, failure };
  return { state: after.state, actions: [action, ...after.actions] };
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
