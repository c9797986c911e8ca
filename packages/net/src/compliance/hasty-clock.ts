// The machine's clock, but faster: what paces dials by seconds paces them by milliseconds.
import type { Clock } from "@holdfast/core";
import { systemClock } from "../host.ts";

export function hastyClock(factor: number): Clock {
  return {
    mono: () => systemClock.mono() * factor,
    wall: () => systemClock.wall(),
    timer(fire) {
      const timer = systemClock.timer(fire);
      return { set: (delayMs) => timer.set(delayMs / factor), clear: () => timer.clear() };
    },
  };
}
