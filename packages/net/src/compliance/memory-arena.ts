// The arena of the transport within the process.
import type { Clock, Timer } from "@holdfast/core";
import { systemClock } from "../host.ts";
import type { MemoryEnd, MemoryLink } from "../memory.ts";
import { memoryHub } from "../memory.ts";
import type { Arena } from "./arena.ts";

/** `latencyMs` makes bytes wait on the machine's clock; default 0. */
export function memoryArena(latencyMs = 0): Promise<Arena<MemoryLink>> {
  const clock = new CountingClock();
  const hub = memoryHub({ latencyMs, clock });
  const accepted: MemoryEnd[] = [];
  const waiting: ((end: MemoryEnd) => void)[] = [];
  hub.listen("peer", (end) => {
    const waiter = waiting.shift();
    if (waiter === undefined) accepted.push(end);
    else waiter(end);
  });
  hub.listenSilently("silent");
  const arena: Arena<MemoryLink> = {
    dial: hub.dial("peer"),
    refused: hub.dial("nobody"),
    silent: () => Promise.resolve(hub.dial("silent")),
    accept() {
      const end = accepted.shift();
      return end === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(end);
    },
    channel: (link) => link,
    openHandles: () => clock.armed.size,
    close: () => Promise.resolve(),
  };
  return Promise.resolve(arena);
}

/** The machine's clock, with a count of the timers that are armed. */
class CountingClock implements Clock {
  readonly armed: Set<object> = new Set();

  mono(): number {
    return systemClock.mono();
  }

  wall(): number {
    return systemClock.wall();
  }

  timer(fire: () => void): Timer {
    const id = {};
    const timer = systemClock.timer(() => {
      this.armed.delete(id);
      fire();
    });
    return {
      set: (delayMs) => {
        this.armed.add(id);
        timer.set(delayMs);
      },
      clear: () => {
        this.armed.delete(id);
        timer.clear();
      },
    };
  }
}
