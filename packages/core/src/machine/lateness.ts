// When a timer counts as late: the process was stopped or the machine slept, and nobody else is to blame.

/** A deadline noticed this much after it came says more about this process than about the peer. */
export const LATE_MS: number = 1_000;
