// Whether an accepted link is alive, by the same rules by which a line judges its own links.
import { askAt, LATE_MS, PROBE_MS, silentAt, type Instant, type Patience } from "@holdfast/core";

export class LinkLife {
  readonly #patience: Patience;
  readonly #silence: {
    heardAt: Instant;
    pingedAt: Instant;
    busySince: Instant;
    unackedBytes: number;
    probeUntil: Instant | undefined;
  };

  constructor(patience: Patience, now: Instant) {
    this.#patience = patience;
    this.#silence = { heardAt: now, pingedAt: now, busySince: now, unackedBytes: 0, probeUntil: undefined };
  }

  /** When a byte last came. */
  get heardAt(): Instant {
    return this.#silence.heardAt;
  }

  heard(now: Instant): void {
    this.#silence.heardAt = now;
    this.#silence.probeUntil = undefined;
  }

  /** How much is unacknowledged. */
  busy(unackedBytes: number, now: Instant): void {
    if (this.#silence.unackedBytes === 0) this.#silence.busySince = now;
    this.#silence.unackedBytes = unackedBytes;
  }

  nextTimeout(): Instant {
    return Math.min(askAt(this.#silence, this.#patience), silentAt(this.#silence, this.#patience));
  }

  /** What the time asks for. */
  judge(now: Instant): "dead" | "ask" | "wait" {
    const deadAt = silentAt(this.#silence, this.#patience);
    if (now >= deadAt) {
      // We slept, or did not run: ask before judging.
      if (this.#silence.probeUntil !== undefined || now - deadAt <= LATE_MS) return "dead";
      this.#silence.probeUntil = now + PROBE_MS;
      return this.#ask(now);
    }
    return now >= askAt(this.#silence, this.#patience) ? this.#ask(now) : "wait";
  }

  #ask(now: Instant): "ask" {
    this.#silence.pingedAt = now;
    return "ask";
  }
}
