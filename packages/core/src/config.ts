// Every setting of a line, its default, and the one place where settings are checked.
import { HoldfastError } from "./failure.ts";

/** How the delays of an outage grow. `failures` counts from 1. */
export type Strategy = "exponential" | "fibonacci" | "fixed";

/** How a delay is spread, after the cap (so that a herd at the cap stays spread). */
export type Jitter =
  /** U(0 .. delay). The default. */
  | { readonly kind: "full" }
  /** delay / 2 + U(0 .. delay / 2). */
  | { readonly kind: "equal" }
  /** delay × U(1 - ratio .. 1 + ratio). */
  | { readonly kind: "proportional"; readonly ratio: number }
  /** delay + U(0 .. ms). `beforeCap` makes the cap a strict upper bound and takes the spread away at it. */
  | { readonly kind: "additive"; readonly ms: number; readonly beforeCap?: boolean }
  | { readonly kind: "none" };

export interface Backoff {
  /** Default `exponential`. */
  readonly strategy?: Strategy;
  /** The first delay, in milliseconds. Default 1,000. */
  readonly initialMs?: number;
  /** Default 2. */
  readonly factor?: number;
  /** The cap, in milliseconds. Default 10,000, raised to 60,000 by refusals without a hint. Least 100. */
  readonly maxMs?: number;
  /** Default full. */
  readonly jitter?: Jitter;
  /**
   * What the first retry after a loss waits for: `spread` (default) is at most a quarter of a second, or the
   * window that the peer announced; `schedule` is the first delay of the schedule; `at_once` is nothing.
   */
  readonly firstRetry?: "spread" | "schedule" | "at_once";
  /** What makes `failures` 0 again: a link that stayed up for `stableAfterMs` (default), or any link. */
  readonly resetOn?: "stable" | "connect";
}

export interface Heartbeat {
  /** Ping when nothing was heard for this long. Default 10,000. */
  readonly intervalMs?: number;
  /** Hang up when nothing was heard for this long. Default 15,000, and 8,000 while data is unacknowledged. */
  readonly timeoutMs?: number;
  /** Hang up after this many failed pings in a row, on links that survive one. 0 disables. Default 3. */
  readonly maxFailures?: number;
}

/** The policy of a line. Durations are milliseconds; every one has a default. */
export interface Policy {
  readonly backoff?: Backoff;
  /** `false`: no heartbeats and no liveness timeout. */
  readonly heartbeat?: Heartbeat | false;
  /** `false`: the first loss or failed dial ends the line. Default `true`. */
  readonly reconnect?: boolean;
  /** The first dial's failure ends the line (default `true`), or is retried; a function may decide. */
  readonly failFast?: boolean | ((failure: HoldfastError) => boolean);
  /** End after this many consecutive failures. Default `Infinity`. */
  readonly maxAttempts?: number;
  /** End this long after the first loss since the last stable link. Default `Infinity`. */
  readonly giveUpAfterMs?: number;
  /** A dial may take this long, name lookup and handshake included. Default 10,000. */
  readonly dialTimeoutMs?: number;
  /** A link that stays up this long is stable. Default 10,000. */
  readonly stableAfterMs?: number;
  /** The longest window that an unplanned end of the peer may spread the first retry over. Default 10,000. */
  readonly maxReconnectWindowMs?: number;
  /** The longest `retryAfter` that is honoured. Default 600,000. */
  readonly maxRetryAfterMs?: number;
  /** A changed identity or garbage from the peer ends the line even after it had been connected. Default `false`. */
  readonly strictIdentity?: boolean;
}

/** A policy with every blank filled in and every number checked. */
export interface Config {
  readonly strategy: Strategy;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** As far as refusals without a hint may raise the cap. */
  readonly refusedMaxMs: number;
  readonly jitter: Jitter;
  readonly firstRetry: "spread" | "schedule" | "at_once";
  readonly resetOn: "stable" | "connect";
  readonly heartbeat:
    | {
        readonly intervalMs: number;
        readonly timeoutMs: number;
        /** The timeout while data is unacknowledged. */
        readonly busyTimeoutMs: number;
        readonly maxFailures: number;
        readonly noProgressMs: number;
      }
    | undefined;
  readonly reconnect: boolean;
  readonly failFast: boolean | ((failure: HoldfastError) => boolean);
  readonly maxAttempts: number;
  readonly giveUpAfterMs: number;
  readonly dialTimeoutMs: number;
  readonly stableAfterMs: number;
  readonly maxReconnectWindowMs: number;
  readonly maxRetryAfterMs: number;
  readonly strictIdentity: boolean;
}

/** The longest delay that a timer can take: above it, Node fires at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

const STRATEGIES = ["exponential", "fibonacci", "fixed"] as const;
const JITTERS = ["full", "equal", "proportional", "additive", "none"] as const;
const FIRST_RETRIES = ["spread", "schedule", "at_once"] as const;
const RESETS = ["stable", "connect"] as const;
const REFUSED_MAX_MS = 60_000;
const BUSY_TIMEOUT_MS = 8_000;
const LEAST_NO_PROGRESS_MS = 15_000;
const LEAST_MAX_MS = 100;

/**
 * Fill in the defaults and check every number.
 * @throws HoldfastError `bad_config` (fatal) for zero, negative, NaN or infinite numbers, a factor below 1, an
 * initial delay above the cap, or a cap below 100 ms.
 */
export function resolveConfig(policy: Policy = {}): Config {
  const backoff = policy.backoff ?? {};
  const wantedMs = positive("backoff.initialMs", backoff.initialMs ?? 1_000);
  const maxMs = positive("backoff.maxMs", backoff.maxMs ?? Math.max(10_000, wantedMs));
  const initialMs = backoff.initialMs ?? Math.min(wantedMs, maxMs);
  const factor = positive("backoff.factor", backoff.factor ?? 2);
  if (factor < 1) refuse("backoff.factor", factor, "a number of at least 1");
  if (maxMs < LEAST_MAX_MS) refuse("backoff.maxMs", maxMs, `at least ${LEAST_MAX_MS} ms`);
  if (initialMs > maxMs) refuse("backoff.initialMs", initialMs, `at most backoff.maxMs (${maxMs} ms)`);
  return {
    strategy: oneOf("backoff.strategy", backoff.strategy ?? "exponential", STRATEGIES),
    initialMs,
    factor,
    maxMs,
    refusedMaxMs: backoff.maxMs === undefined ? Math.max(REFUSED_MAX_MS, maxMs) : maxMs,
    jitter: checkJitter(backoff.jitter ?? { kind: "full" }),
    firstRetry: oneOf("backoff.firstRetry", backoff.firstRetry ?? "spread", FIRST_RETRIES),
    resetOn: oneOf("backoff.resetOn", backoff.resetOn ?? "stable", RESETS),
    heartbeat: policy.heartbeat === false ? undefined : resolveHeartbeat(policy.heartbeat ?? {}),
    reconnect: policy.reconnect ?? true,
    failFast: policy.failFast ?? true,
    maxAttempts: unbounded("maxAttempts", policy.maxAttempts),
    giveUpAfterMs: unbounded("giveUpAfterMs", policy.giveUpAfterMs),
    dialTimeoutMs: positive("dialTimeoutMs", policy.dialTimeoutMs ?? 10_000),
    stableAfterMs: positive("stableAfterMs", policy.stableAfterMs ?? 10_000),
    maxReconnectWindowMs: positive("maxReconnectWindowMs", policy.maxReconnectWindowMs ?? 10_000),
    // No wait is longer than a timer, so none may be promised.
    maxRetryAfterMs: Math.min(positive("maxRetryAfterMs", policy.maxRetryAfterMs ?? 600_000), MAX_TIMER_MS),
    strictIdentity: policy.strictIdentity ?? false,
  };
}

/**
 * Fill in the defaults of a heartbeat, and check its numbers.
 * @throws HoldfastError `bad_config` (fatal), as `resolveConfig`.
 */
export function resolveHeartbeat(heartbeat: Heartbeat): NonNullable<Config["heartbeat"]> {
  const timeoutMs = positive("heartbeat.timeoutMs", heartbeat.timeoutMs ?? 15_000);
  const maxFailures = heartbeat.maxFailures ?? 3;
  if (!Number.isInteger(maxFailures) || maxFailures < 0) {
    refuse("heartbeat.maxFailures", maxFailures, "a whole number of at least 0");
  }
  return {
    intervalMs: positive("heartbeat.intervalMs", heartbeat.intervalMs ?? 10_000),
    timeoutMs,
    // A timeout that the user chose is never lowered behind their back.
    busyTimeoutMs: heartbeat.timeoutMs === undefined ? BUSY_TIMEOUT_MS : timeoutMs,
    maxFailures,
    noProgressMs: Math.max(2 * timeoutMs, LEAST_NO_PROGRESS_MS),
  };
}

function checkJitter(jitter: Jitter): Jitter {
  oneOf("backoff.jitter.kind", jitter.kind, JITTERS);
  if (jitter.kind === "proportional") {
    positive("backoff.jitter.ratio", jitter.ratio);
    if (jitter.ratio > 1) refuse("backoff.jitter.ratio", jitter.ratio, "at most 1");
  }
  if (jitter.kind === "additive") positive("backoff.jitter.ms", jitter.ms);
  return jitter;
}

/** Types say so already; not every caller has them. */
function oneOf<T extends string>(name: string, value: T, known: readonly T[]): T {
  if (!known.includes(value)) refuse(name, value, `one of ${known.join(", ")}`);
  return value;
}

function positive(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) refuse(name, value, "a finite number above 0");
  return value;
}

function unbounded(name: string, value: number | undefined): number {
  return value === undefined || value === Infinity ? Infinity : positive(name, value);
}

function refuse(name: string, value: unknown, wanted: string): never {
  throw new HoldfastError({
    code: "bad_config",
    message: `${name} must be ${wanted}, not ${String(value)}`,
    kind: "fatal",
    fault: "local",
  });
}
