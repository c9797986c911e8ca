// When a server stops by itself: never, after a time, or when it has been without a session for a time.
import type { Clock, Timer } from "@holdfast/core";
import { parsePositiveDuration } from "../options/values.ts";

export type Shutdown =
  | { readonly when: "never" }
  | { readonly when: "after" | "lonely"; readonly ms: number };

/** `never`, `after=2h`, `lonely=10m`. */
export function parseShutdown(text: string): Shutdown {
  if (text === "never") return { when: "never" };
  const [, when, time] = /^(after|lonely)=(.*)$/.exec(text) ?? [];
  if (when === undefined || time === undefined) throw new RangeError("never, after=2h or lonely=10m");
  return { when: when as "after" | "lonely", ms: parsePositiveDuration(time) };
}

/** Watches the sessions of a server, and says when its time is over. */
export class ShutdownTimer {
  readonly #shutdown: Shutdown;
  readonly #timer: Timer;
  #sessions: number | undefined = undefined;

  constructor(shutdown: Shutdown, clock: Clock, over: (why: string) => void) {
    this.#shutdown = shutdown;
    this.#timer = clock.timer(() => over(shutdown.when === "lonely" ? "nobody is here" : "its time is over"));
    if (shutdown.when === "after") this.#timer.set(shutdown.ms);
  }

  /** There are so many sessions now, those that are away included. */
  sessions(count: number): void {
    const shutdown = this.#shutdown;
    if (shutdown.when !== "lonely") return;
    if (count > 0) this.#timer.clear();
    else if (this.#sessions !== 0) this.#timer.set(shutdown.ms);
    this.#sessions = count;
  }

  close(): void {
    this.#timer.clear();
  }
}
