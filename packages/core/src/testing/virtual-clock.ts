// A clock that only moves when a test says so.
import type { Clock, Timer } from "../ports.ts";

/** A clock, and its timers, in the hands of a test. */
export class VirtualClock implements Clock {
  #now = 0;
  readonly #beganAt: number;
  /** One for each timer that is armed. */
  readonly #timers: Map<Timer, { at: number; fire: () => void }> = new Map();

  /** `beganAt`: what the wall clock shows in the beginning. */
  constructor(beganAt: number = 1_700_000_000_000) {
    this.#beganAt = beganAt;
  }

  mono(): number {
    return this.#now;
  }

  wall(): number {
    return this.#beganAt + this.#now;
  }

  timer(fire: () => void): Timer {
    const timer: Timer = {
      set: (delayMs) => void this.#timers.set(timer, { at: this.#now + delayMs, fire }),
      clear: () => void this.#timers.delete(timer),
    };
    return timer;
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      const [timer, { at, fire }] = due;
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      fire();
    }
    this.#now = until;
  }
}
