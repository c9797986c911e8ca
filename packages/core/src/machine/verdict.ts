// What a failed dial or a lost link leads to: the end, a person, or a wait of the right length.
import { atCap, BLIP_MS, hinted, scheduled } from "../backoff.ts";
import type { Config } from "../config.ts";
import type { HoldfastError } from "../failure.ts";
import { earliestDial, earliestRetry } from "../pacing.ts";
import type { Instant, Random } from "../ports.ts";
import { end, stay, timerMs, waitUntil, type Step } from "./moves.ts";
import type { Dialing, Memory, Up } from "./state.ts";

/** Not who we expected, or nobody who speaks our protocol: captive portals look like this. DESIGN rule 10. */
const SUSPECT: ReadonlySet<string> = new Set(["identity_changed", "not_our_peer"]);

/** The peer will be back, as new: what went before says nothing about it. DESIGN rule 5. */
const RESTARTS: ReadonlySet<string> = new Set(["restarting", "relay_lost"]);

/** A dial ended without a link. `late`: it ran out while nobody looked at the clock. */
export function dialFailed(
  state: Dialing,
  failure: HoldfastError,
  now: Instant,
  config: Config,
  random: Random,
  late = false,
): Step {
  const before = state.memory;
  const refusedUnhinted =
    failure.fault === "peer" && hintOf(failure, config) === undefined && retriesLater(failure);
  const memory: Memory = {
    ...before,
    failure,
    failures: before.failures + 1,
    refusals: before.refusals + (refusedUnhinted ? 1 : 0),
    grace: before.grace || late,
  };
  const first = before.epoch === 0 && (before.failures === 0 || before.refused !== undefined);
  const settled = failure.kind === "unauthorized" || failure.code === "replaced";
  if (first && !settled && failsFast(config, failure)) {
    return stay(end(memory, "failed", failure, now));
  }
  return judge(memory, before.refused, undefined, failure, now, config, random);
}

/** A link ended. What it was worth decides whether the outage begins afresh. */
export function linkLost(
  state: Up,
  failure: HoldfastError,
  now: Instant,
  config: Config,
  random: Random,
): Step {
  const announced = failure.fault === "peer" && (state.draining !== undefined || RESTARTS.has(failure.code));
  const stable = state.stable || now >= state.memory.since + config.stableAfterMs;
  const counts = stable || announced || config.resetOn === "connect" ? 0 : 1;
  const before = stable || announced ? reset(state.memory) : state.memory;
  const memory: Memory = {
    ...before,
    attempt: 0,
    failure,
    failures: before.failures + counts,
    lostAt: before.lostAt ?? now,
  };
  return judge(memory, before.refused, counts === 0 ? state : undefined, failure, now, config, random);
}

/** Forget the outages so far: the link was good. */
export function reset(memory: Memory): Memory {
  return { ...memory, failures: 0, refusals: 0, drawn: 0, refused: undefined, lostAt: undefined };
}

/**
 * End, ask a person, or wait. `refused`: why this credential had been fetched. `lost`: the link that ended, if its
 * end counts for nothing against the peer.
 */
function judge(
  before: Memory,
  refused: HoldfastError | undefined,
  lost: Up | undefined,
  failure: HoldfastError,
  now: Instant,
  config: Config,
  random: Random,
): Step {
  const stranger = SUSPECT.has(failure.code);
  const memory = { ...before, suspect: before.suspect || stranger };
  if (failure.code === "replaced") return stay(end(memory, "replaced", failure, now));
  if (isFatal(failure, stranger, memory, config)) return stay(end(memory, "failed", failure, now));
  if (!config.reconnect) return stay(end(memory, "not_reconnecting", failure, now));
  if (failure.kind === "unauthorized") {
    if (failure.prompt !== undefined) {
      const asking = { ...memory, refused: undefined, since: now };
      return stay({ at: "auth_required", memory: asking, prompt: failure.prompt });
    }
    if (refused !== undefined) return stay(end(memory, "failed", failure, now));
  }
  const spentAt = (memory.lostAt ?? now) + config.giveUpAfterMs;
  if (memory.failures >= config.maxAttempts || (now >= spentAt && !memory.grace)) {
    return stay(end(memory, "gave_up", failure, now));
  }
  // A credential that could not be fetched was not refused: ask for it again, and say why.
  const unfetched = failure.code === "credentials_unavailable" ? refused : undefined;
  const marked = { ...memory, refused: failure.kind === "unauthorized" ? failure : unfetched };
  return retry(marked, lost, failure, now, spentAt, config, random);
}

/** A stranger's answer says nothing of our peer, once we have met it. What a person can settle is never fatal. */
function isFatal(failure: HoldfastError, stranger: boolean, memory: Memory, config: Config): boolean {
  if (!stranger || failure.kind === "unauthorized") return failure.kind === "fatal";
  return memory.epoch === 0 || config.strictIdentity;
}

function retry(
  before: Memory,
  lost: Up | undefined,
  failure: HoldfastError,
  now: Instant,
  spentAt: Instant,
  config: Config,
  random: Random,
): Step {
  const hintMs = hintOf(failure, config);
  const notBefore = hintMs === undefined ? -Infinity : now + hintMs;
  const { delayMs, drawn } = delayOf(before, lost, hintMs, failure, config, random);
  const memory = { ...before, drawn: before.drawn + drawn };
  const paced = Math.max(now + timerMs(delayMs), earliestRetry(memory.recentDials));
  // One last attempt is made when the budget runs out, unless the peer asked for a longer wait.
  const retryAt = Math.max(
    Math.min(paced, Math.max(spentAt, now)),
    notBefore,
    earliestDial(memory.recentDials),
  );
  const { state } = waitUntil(memory, retryAt, notBefore, now);
  const { dial, attempt, failures } = memory;
  const waited = retryAt - now;
  return {
    state,
    actions: [{ type: "consult", dial, attempt: attempt + 1, failures, delayMs: waited, failure }],
  };
}

/** How long to wait, and how many places of the schedule that took. */
function delayOf(
  memory: Memory,
  lost: Up | undefined,
  hintMs: number | undefined,
  failure: HoldfastError,
  config: Config,
  random: Random,
): { readonly delayMs: number; readonly drawn: number } {
  const { firstRetry } = config;
  if (hintMs !== undefined) return { delayMs: hinted(hintMs, random), drawn: 0 };
  if (lost !== undefined && firstRetry !== "schedule") {
    const spreadMs = firstRetry === "at_once" ? 0 : spreadOf(lost, failure, config);
    return { delayMs: random() * spreadMs, drawn: 0 };
  }
  if (SUSPECT.has(failure.code)) return { delayMs: atCap(config, random), drawn: 0 };
  const index = firstRetry === "spread" ? Math.max(0, memory.failures - 1) : memory.drawn;
  return { delayMs: scheduled(config, index, memory.refusals, random), drawn: 1 };
}

/** Over how long the clients of a peer that ended the link come back; a private loss waits for no herd. */
function spreadOf(lost: Up, failure: HoldfastError, config: Config): number {
  if (failure.fault !== "peer") return BLIP_MS;
  const planned = lost.draining?.windowMs;
  if (planned !== undefined) return Math.min(planned, config.maxRetryAfterMs);
  return Math.min(lost.link.windowMs ?? BLIP_MS, config.maxReconnectWindowMs);
}

function hintOf(failure: HoldfastError, config: Config): number | undefined {
  const { retryAfterMs } = failure;
  if (retryAfterMs === undefined || Number.isNaN(retryAfterMs)) return undefined;
  return Math.min(Math.max(0, retryAfterMs), config.maxRetryAfterMs);
}

function retriesLater(failure: HoldfastError): boolean {
  return failure.kind === "transient" || failure.kind === "throttled";
}

function failsFast(config: Config, failure: HoldfastError): boolean {
  const { failFast } = config;
  return typeof failFast === "function" ? failFast(failure) : failFast;
}
