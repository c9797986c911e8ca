// A clock for tests, without anything else, so that a process of its own can have it too.
import type { Clock } from "@holdfast/core";

/** The machine's time, but `wall` may be set. */
export class TestClock implements Clock {
  wallMs = Date.UTC(2026, 10, 22, 12, 0, 0);

  mono(): number {
    return performance.now();
  }

  wall(): number {
    return this.wallMs;
  }

  timer(fire: () => void): ReturnType<Clock["timer"]> {
    let handle: ReturnType<typeof setTimeout> | undefined;
    return {
      set: (delayMs) => {
        clearTimeout(handle);
        handle = setTimeout(fire, delayMs);
      },
      clear: () => clearTimeout(handle),
    };
  }
}
