// The machine's clock, but faster or slower, and it can skip ahead: for rules whose seconds a test need not sit out,
// or must not run over.
import type { Clock, Timer } from "@holdfast/core";

export class HastyClock implements Clock {
  readonly #speed: number;
  readonly #timerSpeed: number;
  #skippedMs = 0;

  /** `timerSpeed` lets timers fire at another pace than the clock shows. */
  constructor(speed = 1, timerSpeed: number = speed) {
    this.#speed = speed;
    this.#timerSpeed = timerSpeed;
  }

  mono(): number {
    return performance.now() * this.#speed + this.#skippedMs;
  }

  wall(): number {
    return Date.now();
  }

  /** Timers that run already do not notice. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  timer(fire: () => void): Timer {
    let handle: ReturnType<typeof setTimeout> | undefined;
    const clear = (): void => clearTimeout(handle);
    const set = (delayMs: number): void => {
      clear();
      handle = setTimeout(fire, delayMs / this.#timerSpeed);
    };
    return { set, clear };
  }
}
