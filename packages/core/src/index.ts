// The public names of the engine.
export { MAX_TIMER_MS, resolveConfig } from "./config.ts";
export type { Backoff, Config, Heartbeat, Jitter, Policy, Strategy } from "./config.ts";
export { HoldfastError } from "./failure.ts";
export type { FailureDetails, FailureKind, Fault } from "./failure.ts";
export type { Clock, Instant, Random, Timer } from "./ports.ts";
export type { EndReason, LineState, Liveness, Status, WakeReason } from "./status.ts";
