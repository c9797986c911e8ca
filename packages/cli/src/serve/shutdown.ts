// When a server stops by itself: never, after a time, when it has been without a session for a time, or, for a server
// that was started for one client, with that one's session.
import type { Clock, Timer } from "@holdfast/core";
import { parsePositiveDuration } from "../options/values.ts";

export type Shutdown =
  | { readonly when: "never" }
  | { readonly when: "after" | "lonely" | "once"; readonly ms: number };

/** `never`, `after=2h`, `lonely=10m`, `once=10m`. */
export function parseShutdown(text: string): Shutdown {
  if (text === "never") return { when: "never" };
  const [, when, time] = /^(after|lonely|once)=(.*)$/.exec(text) ?? [];
  if (when === undefined || time === undefined)
    throw new RangeError("never, after=2h, lonely=10m or once=10m");
  return { when: when as "after" | "lonely" | "once", ms: parsePositiveDuration(time) };
}

/** Watches the sessions of a server, and says when its time is over. */
export class ShutdownTimer {
  readonly #shutdown: Shutdown;
  readonly #timer: Timer;
  readonly #over: (why: string) => void;
  #sessions: number | undefined = undefined;
  #begun = 0;

  constructor(shutdown: Shutdown, clock: Clock, over: (why: string) => void) {
    this.#shutdown = shutdown;
    this.#over = over;
    this.#timer = clock.timer(() => over(shutdown.when === "after" ? "its time is over" : "nobody is here"));
    if (shutdown.when === "after") this.#timer.set(shutdown.ms);
  }

  /** There are so many sessions now, those that are away included, and so many were begun: some may have gone again. */
  sessions(count: number, begun: number): void {
    const shutdown = this.#shutdown;
    if (shutdown.when === "never" || shutdown.when === "after") return;
    if (count > 0) this.#timer.clear();
    else if (shutdown.when === "once" && begun > 0) this.#over("its session has ended");
    else if (this.#sessions !== 0 || begun !== this.#begun) this.#timer.set(shutdown.ms);
    this.#sessions = count;
    this.#begun = begun;
  }

  close(): void {
    this.#timer.clear();
  }
}
