// A policy as the documents read it, computed here a second time: the simulation judges the engine by this, and
// never by the engine's own reading.
import type { Backoff, HoldfastError, Jitter, Policy } from "@holdfast/core";

/** Not who was expected: a captive portal, say. */
export const SUSPECT: ReadonlySet<string> = new Set(["identity_changed", "not_our_peer"]);

export interface Facts {
  readonly strategy: NonNullable<Backoff["strategy"]>;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly refusedMaxMs: number;
  readonly jitter: Jitter;
  readonly firstRetry: NonNullable<Backoff["firstRetry"]>;
  readonly resetOn: NonNullable<Backoff["resetOn"]>;
  readonly heartbeat: HeartbeatFacts | undefined;
  readonly reconnect: boolean;
  readonly maxAttempts: number;
  readonly giveUpAfterMs: number;
  readonly dialTimeoutMs: number;
  readonly stableAfterMs: number;
  readonly maxWindowMs: number;
  readonly maxRetryAfterMs: number;
  readonly strictIdentity: boolean;
}

interface HeartbeatFacts {
  readonly timeoutMs: number;
  readonly busyTimeoutMs: number;
  readonly maxFailures: number;
  readonly noProgressMs: number;
  /** How long a peer that cannot be asked may take to speak by itself. */
  readonly patienceMs: number;
}

export function factsOf(policy: Policy): Facts {
  const backoff = policy.backoff ?? {};
  const userMaxMs = backoff.maxMs;
  return {
    strategy: backoff.strategy ?? "exponential",
    initialMs: backoff.initialMs ?? Math.min(1_000, userMaxMs ?? 1_000),
    factor: backoff.factor ?? 2,
    maxMs: userMaxMs ?? Math.max(10_000, backoff.initialMs ?? 0),
    refusedMaxMs: userMaxMs ?? Math.max(60_000, backoff.initialMs ?? 0),
    jitter: backoff.jitter ?? { kind: "full" },
    firstRetry: backoff.firstRetry ?? "spread",
    resetOn: backoff.resetOn ?? "stable",
    heartbeat: policy.heartbeat === false ? undefined : heartbeatOf(policy.heartbeat ?? {}),
    reconnect: policy.reconnect ?? true,
    maxAttempts: policy.maxAttempts ?? Infinity,
    giveUpAfterMs: policy.giveUpAfterMs ?? Infinity,
    dialTimeoutMs: policy.dialTimeoutMs ?? 10_000,
    stableAfterMs: policy.stableAfterMs ?? 10_000,
    maxWindowMs: policy.maxReconnectWindowMs ?? 10_000,
    maxRetryAfterMs: policy.maxRetryAfterMs ?? 600_000,
    strictIdentity: policy.strictIdentity ?? false,
  };
}

function heartbeatOf(heartbeat: Exclude<Policy["heartbeat"], false | undefined>): HeartbeatFacts {
  const { timeoutMs } = heartbeat;
  return {
    timeoutMs: timeoutMs ?? 15_000,
    busyTimeoutMs: timeoutMs ?? 8_000,
    maxFailures: heartbeat.maxFailures ?? 3,
    noProgressMs: Math.max(2 * (timeoutMs ?? 15_000), 15_000),
    patienceMs: Math.max(2_000, Math.min(heartbeat.intervalMs ?? 10_000, timeoutMs ?? 15_000)),
  };
}

/** What the schedule allows at place `index` (from 0) after `refusals` refusals without a hint. */
export function scheduledRange(facts: Facts, index: number, refusals: number): readonly [number, number] {
  const capMs = Math.min(facts.maxMs * 2 ** refusals, facts.refusedMaxMs);
  return jittered(facts.jitter, riseOf(facts, index), capMs);
}

export function jittered(jitter: Jitter, riseMs: number, capMs: number): readonly [number, number] {
  const delayMs = Math.min(riseMs, capMs);
  switch (jitter.kind) {
    case "full":
      return [0, delayMs];
    case "equal":
      return [delayMs / 2, delayMs];
    case "proportional":
      return [delayMs * (1 - jitter.ratio), delayMs * (1 + jitter.ratio)];
    case "additive":
      return jitter.beforeCap
        ? [delayMs, Math.min(riseMs + jitter.ms, capMs)]
        : [delayMs, delayMs + jitter.ms];
    case "none":
      return [delayMs, delayMs];
  }
}

function riseOf(facts: Facts, index: number): number {
  if (facts.strategy === "fixed") return facts.initialMs;
  if (facts.strategy === "exponential") return facts.initialMs * facts.factor ** index;
  const numbers = [1, 1];
  while (numbers.length <= Math.min(index, 80)) numbers.push((numbers.at(-1) ?? 1) + (numbers.at(-2) ?? 1));
  return facts.initialMs * (numbers[Math.min(index, 80)] ?? Infinity);
}

/** What the peer asked for, as far as it is honoured. */
export function hintOf(failure: HoldfastError, facts: Facts): number | undefined {
  const { retryAfterMs } = failure;
  return retryAfterMs === undefined ? undefined : Math.min(Math.max(0, retryAfterMs), facts.maxRetryAfterMs);
}
