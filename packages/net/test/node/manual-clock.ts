// A clock that moves only when a test says so.
import type { Clock } from "@holdfast/core";

interface Armed {
  readonly fire: () => void;
  at: number | undefined;
}

export class ManualClock implements Clock {
  readonly #timers = new Set<Armed>();
  #mono = 1_000;
  #wall = 1_700_000_000_000;

  mono(): number {
    return this.#mono;
  }

  wall(): number {
    return this.#wall;
  }

  timer(fire: () => void): { set(delayMs: number): void; clear(): void } {
    const timer: Armed = { fire, at: undefined };
    return {
      set: (delayMs) => {
        timer.at = this.#mono + delayMs;
        this.#timers.add(timer);
      },
      clear: () => {
        timer.at = undefined;
        this.#timers.delete(timer);
      },
    };
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Let time pass, timers and all. */
  advance(ms: number): void {
    const end = this.#mono + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at !== undefined && at <= end);
      const next = due.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))[0];
      if (next === undefined) break;
      this.#move(Math.max(0, (next.at ?? end) - this.#mono));
      this.#timers.delete(next);
      next.fire();
    }
    this.#move(end - this.#mono);
  }

  /** The machine sleeps: on Linux only the wall clock goes on. */
  suspend(ms: number): void {
    this.#wall += ms;
  }

  /** The process does not run for a while (SIGSTOP, a blocked event loop): timers fire late. */
  stop(ms: number): void {
    this.#move(ms);
    this.advance(0);
  }

  #move(ms: number): void {
    this.#mono += ms;
    this.#wall += ms;
  }
}
