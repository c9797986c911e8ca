// Those who wait for a sign of life.
import type { Clock } from "@holdfast/core";

export class Probes {
  readonly #clock: Clock;
  /** One for each probe that waits; each has its own limit in time. */
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `true` with the next `answer`, `false` when none came in time. */
  wait(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#clock.timer(() => done(false));
      const done = (alive: boolean): void => {
        timer.clear();
        this.#waiting.delete(answered);
        resolve(alive);
      };
      const answered = (): void => done(true);
      this.#waiting.add(answered);
      timer.set(timeoutMs);
    });
  }

  answer(): void {
    if (this.#waiting.size === 0) return;
    for (const answered of this.#waiting) answered();
  }
}
