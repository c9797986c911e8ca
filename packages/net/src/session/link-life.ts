// Whether an accepted link is alive: the accepting side's part of the rules by which a line judges its own links.
import type { Instant } from "@holdfast/core";

/** While data is unacknowledged the peer is asked this soon, in milliseconds. */
const BUSY_INTERVAL_MS = 3_000;
/** … and has to answer this soon, unless somebody chose a timeout. */
const BUSY_TIMEOUT_MS = 8_000;
/** A deadline noticed this much after it came says more about this process than about the peer. */
const LATE_MS = 1_000;
/** So long it then has to show that it is there. */
const PROBE_MS = 2_000;

const INTERVAL_MS = 10_000;
const TIMEOUT_MS = 15_000;

export interface LinkLifeOptions {
  /** Ask when nothing was heard for so long, in milliseconds. Default 10,000. */
  readonly intervalMs?: number | undefined;
  /** Hang up when nothing was heard for so long. Default 15,000, and 8,000 while data is unacknowledged. */
  readonly timeoutMs?: number | undefined;
}

export class LinkLife {
  /** When a byte last came. */
  heardAt: Instant;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #busyTimeoutMs: number;
  #askedAt: Instant;
  #busySince: Instant | undefined = undefined;
  #probeUntil: Instant | undefined = undefined;

  constructor(options: LinkLifeOptions, now: Instant) {
    const { intervalMs = INTERVAL_MS, timeoutMs } = options;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs ?? TIMEOUT_MS;
    this.#busyTimeoutMs = timeoutMs ?? BUSY_TIMEOUT_MS;
    this.heardAt = now;
    this.#askedAt = now;
  }

  heard(now: Instant): void {
    this.heardAt = now;
    this.#probeUntil = undefined;
  }

  /** Whether something is unacknowledged. */
  busy(busy: boolean, now: Instant): void {
    this.#busySince = busy ? (this.#busySince ?? now) : undefined;
  }

  nextTimeout(): Instant {
    return Math.min(this.#askAt(), this.#deadAt());
  }

  /** What the time asks for. */
  judge(now: Instant): "dead" | "ask" | "wait" {
    const deadAt = this.#deadAt();
    if (now >= deadAt) {
      // We slept, or did not run: ask before judging.
      if (this.#probeUntil !== undefined || now - deadAt <= LATE_MS) return "dead";
      this.#probeUntil = now + PROBE_MS;
      return this.#ask(now);
    }
    return now >= this.#askAt() ? this.#ask(now) : "wait";
  }

  #ask(now: Instant): "ask" {
    this.#askedAt = now;
    return "ask";
  }

  #deadAt(): Instant {
    if (this.#probeUntil !== undefined) return this.#probeUntil;
    const busyAt =
      this.#busySince === undefined
        ? Infinity
        : Math.max(this.heardAt, this.#busySince) + this.#busyTimeoutMs;
    return Math.min(this.heardAt + this.#timeoutMs, busyAt);
  }

  #askAt(): Instant {
    const busy = this.#busySince !== undefined;
    const timeoutMs = busy ? this.#busyTimeoutMs : this.#timeoutMs;
    const intervalMs = busy ? Math.min(this.#intervalMs, BUSY_INTERVAL_MS) : this.#intervalMs;
    // A timeout within the interval would cut every idle link before it was ever asked.
    return Math.max(this.heardAt, this.#askedAt) + (timeoutMs <= intervalMs ? timeoutMs / 3 : intervalMs);
  }
}
