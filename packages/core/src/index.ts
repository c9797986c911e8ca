// The public names of the engine.
export { MAX_TIMER_MS, resolveConfig, resolveHeartbeat } from "./config.ts";
export type { Backoff, Config, Heartbeat, Jitter, Policy, Strategy } from "./config.ts";
export { HoldfastError } from "./failure.ts";
export type { FailureDetails, FailureKind, Fault } from "./failure.ts";
export { deadline } from "./machine/deadline.ts";
export { LATE_MS } from "./machine/lateness.ts";
export type { Action, Input } from "./machine/messages.ts";
export type { Step } from "./machine/moves.ts";
export { initialState } from "./machine/state.ts";
export type { LinkTraits, MachineState } from "./machine/state.ts";
export { askAt, PROBE_MS, silentAt } from "./machine/silence.ts";
export type { Patience, Silence } from "./machine/silence.ts";
export { step } from "./machine/step.ts";
export { statusOf } from "./machine/view.ts";
export type { Clock, Instant, Random, Timer } from "./ports.ts";
export { presets } from "./presets.ts";
export type { PresetName } from "./presets.ts";
export type { EndReason, LineState, Liveness, Status, WakeReason } from "./status.ts";
