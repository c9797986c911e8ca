// What the engine needs from outside. Core never reaches for a clock or a random source by itself:
// whoever runs it (the driver in `net`, the simulated world in `core/testing`) hands these in.

/** Milliseconds on the caller's monotonic clock. Only differences mean anything. */
export type Instant = number;

/** A timer that its owner arms again and again; at most one firing is ever pending. */
export interface Timer {
  /** Arm, replacing whatever was armed. `delayMs` is at least 0 and at most 2^31 - 1. */
  set(delayMs: number): void;
  /** Disarm. Harmless when nothing is armed. */
  clear(): void;
}

/** Where time comes from. Deadlines use `mono`; times that people see use `wall`. */
export interface Clock {
  /** Milliseconds that never run backwards. */
  mono(): Instant;
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  wall(): number;
  /** Make a timer that calls `fire` each time that it runs out. */
  timer(fire: () => void): Timer;
}

/** Uniform in [0, 1). For jitter only, never for secrets. */
export type Random = () => number;
