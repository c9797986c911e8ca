// A link that is up: is it alive, does its data move, has it lived long enough to be trusted?
import type { Config } from "../config.ts";
import { HoldfastError } from "../failure.ts";
import type { Instant, Random } from "../ports.ts";
import type { Liveness } from "../status.ts";
import { deadAt, patienceMs, pingDue, stuckAt, watched } from "./liveness.ts";
import { LATE_MS } from "./lateness.ts";
import type { Action, Input } from "./messages.ts";
import { drop, stay, type Step } from "./moves.ts";
import type { Dialing, LinkTraits, Memory, Up } from "./state.ts";
import { linkLost, reset } from "./verdict.ts";

/** The handshake is complete. The epoch rises in the same step. */
export function linkUp(state: Dialing, link: LinkTraits, now: Instant, config: Config): Step {
  const { memory } = state;
  const risen: Memory = {
    ...(config.resetOn === "connect" ? reset(memory) : memory),
    epoch: memory.epoch + 1,
    attempt: 0,
    // A peer that refuses right after it connected refuses all the same.
    refused: memory.refused,
    suspect: false,
    grace: false,
    since: now,
    lastHeard: now,
    liveness: { outcome: "unknown" },
  };
  const up: Up = {
    at: "up",
    memory: risen,
    link,
    stable: false,
    draining: undefined,
    heardAt: now,
    pingedAt: now,
    pingOut: false,
    pingFailures: 0,
    probeUntil: undefined,
    unackedBytes: 0,
    busySince: now,
    movedBytes: 0,
    movedAt: now,
  };
  return stay(watched(up, config) ? up : report(up, { outcome: "not_configured" }));
}

export function stepUp(state: Up, input: Input, now: Instant, config: Config, random: Random): Step {
  switch (input.type) {
    case "lost":
      return linkLost(state, input.failure, now, config, random);
    case "drain_announced":
      return stay({ ...state, draining: { windowMs: input.windowMs } });
    case "progress":
      return stay(progressed(state, input.unackedBytes, input.movedBytes, now));
    case "ping_failed":
      return pingFailed(state, input.failure, now, config, random);
    case "ping_sent":
      return stay({ ...state, pingFailures: 0 });
    case "wake": {
      const woken = { ...state, memory: { ...state.memory, grace: true } };
      if (input.addressGone) {
        const gone = { code: "address_gone", message: "the local address is gone", fault: "local" } as const;
        return hangUp(woken, new HoldfastError(gone), now, config, random);
      }
      return watched(state, config) && state.probeUntil === undefined
        ? probe(woken, now, config)
        : stay(woken);
    }
    case "tick":
      return tick(state, now, config, random);
    default:
      return stay(state);
  }
}

function tick(before: Up, now: Instant, config: Config, random: Random): Step {
  const ripe = !before.stable && now >= before.memory.since + config.stableAfterMs;
  const state: Up = ripe ? { ...before, stable: true, memory: reset(before.memory) } : before;
  const dead = deathOf(state, now, config);
  // Nothing could move while nobody ran. A wake alone says nothing of that: it must not start the clock anew.
  if (dead === "late") return probe({ ...state, movedAt: now }, now, config);
  if (dead !== undefined) {
    return hangUp(dead.code === "no_life" ? failed(state) : state, dead, now, config, random);
  }
  return pingDue(state, config) <= now ? ping(state, now) : stay(state);
}

/** Any byte is life, and answers whatever had been asked. */
export function heard(state: Up, at: Instant | undefined): Up {
  if (at === undefined || at <= state.heardAt) return state;
  const alive: Up = {
    ...state,
    memory: { ...state.memory, lastHeard: at },
    heardAt: at,
    pingOut: false,
    pingFailures: 0,
    probeUntil: undefined,
  };
  return state.pingOut ? counted(alive, "succeeded") : alive;
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

function probe(state: Up, now: Instant, config: Config): Step {
  // An earlier ping has not failed yet only because another is sent.
  const probing = { ...state, pingOut: false, probeUntil: now + patienceMs(state, config) };
  return state.link.pings ? ping(probing, now) : stay(probing);
}

function ping(state: Up, now: Instant): Step {
  const missed = state.pingOut ? failed(state) : state;
  const action: Action = { type: "ping", dial: state.memory.dial };
  return { state: { ...missed, pingedAt: now, pingOut: true }, actions: [action] };
}

function failed(state: Up): Up {
  return counted(state, "failed");
}

function counted(state: Up, outcome: "succeeded" | "failed"): Up {
  const { liveness } = state.memory;
  return report(state, { outcome, count: liveness.outcome === outcome ? liveness.count + 1 : 1 });
}

function report(state: Up, liveness: Liveness): Up {
  return { ...state, memory: { ...state.memory, liveness } };
}

function pingFailed(state: Up, failure: HoldfastError, now: Instant, config: Config, random: Random): Step {
  const worse = { ...failed(state), pingOut: false, pingFailures: state.pingFailures + 1 };
  const most = config.heartbeat?.maxFailures ?? 0;
  const enough = !state.link.survivesPingFailure || (most > 0 && worse.pingFailures >= most);
  return enough ? hangUp(worse, failure, now, config, random) : stay(worse);
}

function progressed(state: Up, unackedBytes: number, movedBytes: number, now: Instant): Up {
  const idle = state.unackedBytes === 0;
  const moved = idle || movedBytes !== state.movedBytes;
  return {
    ...state,
    unackedBytes,
    busySince: idle ? now : state.busySince,
    movedBytes,
    movedAt: moved ? now : state.movedAt,
  };
}

function hangUp(state: Up, failure: HoldfastError, now: Instant, config: Config, random: Random): Step {
  return drop("hang_up", state.memory, failure, linkLost(state, failure, now, config, random));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
