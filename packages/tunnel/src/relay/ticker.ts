// The one timer behind everything that a relay does by the clock: heartbeats, and waits that run out. Armed only
// while there is something to look after.
import type { Clock, Timer } from "@holdfast/core";

/** How often the relay looks at the clock, in milliseconds. */
export const TICK_MS = 100;

export class Ticker {
  readonly #timer: Timer;
  #running = false;

  /** `tick` says whether there is anything left to look after. */
  constructor(clock: Clock, tick: () => boolean) {
    this.#timer = clock.timer(() => {
      this.#running = tick();
      if (this.#running) this.#timer.set(TICK_MS);
    });
  }

  /** There is something to look after. Harmless when it runs already. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#timer.set(TICK_MS);
  }

  stop(): void {
    this.#running = false;
    this.#timer.clear();
  }
}
