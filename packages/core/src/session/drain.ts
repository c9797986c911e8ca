// How a session is brought to its end without losing anything: let streams finish, deliver all, say CLOSE, hear the
// answer. It goes on while away, for a while.
import type { Instant } from "../ports.ts";

/** How long CLOSE may take to be delivered, in milliseconds: waiting for its answer, and time spent away. */
const CLOSING_MS = 5_000;

type Phase =
  /** Streams may finish until then. */
  | { readonly type: "finishing"; readonly until: Instant }
  /** All that was said is being delivered. */
  | { readonly type: "flushing" }
  /** CLOSE was said, and is said again on each link. */
  | { readonly type: "closing" };

/** What the session has to do. */
export type DrainStep = "reset_streams" | "close" | "give_up" | undefined;

export class Drain {
  #phase: Phase;
  /** What is left of the time that may be spent waiting, and since when it runs. */
  #leftMs = CLOSING_MS;
  #waitingSince: Instant | undefined;

  constructor(until: Instant) {
    this.#phase = { type: "finishing", until };
  }

  get closing(): boolean {
    return this.#phase.type === "closing";
  }

  /** Streams that are being drained already get no more time, but may get less. */
  hasten(until: Instant): void {
    if (this.#phase.type === "finishing" && until < this.#phase.until) {
      this.#phase = { type: "finishing", until };
    }
  }

  /** Call after everything that happens; call again while it returns something. */
  step(
    now: Instant,
    is: { readonly attached: boolean; readonly streamsOpen: boolean; readonly delivered: boolean },
  ): DrainStep {
    if (this.#phase.type === "finishing") {
      const late = now >= this.#phase.until;
      if (is.streamsOpen && !late) return undefined;
      this.#phase = { type: "flushing" };
      if (is.streamsOpen) return "reset_streams";
    }
    if (this.#phase.type === "flushing" && is.attached && is.delivered) {
      this.#phase = { type: "closing" };
      this.#wait(now);
      return "close";
    }
    if (!is.attached || this.closing) this.#wait(now);
    else this.#goOn(now);
    return now >= this.deadline ? "give_up" : undefined;
  }

  /** A link is there again. */
  resumed(now: Instant): void {
    this.#goOn(now);
    // CLOSE was perhaps lost: it is said again once all is delivered.
    if (this.closing) this.#phase = { type: "flushing" };
  }

  get deadline(): Instant {
    if (this.#phase.type === "finishing") return this.#phase.until;
    return this.#waitingSince === undefined ? Infinity : this.#waitingSince + this.#leftMs;
  }

  #wait(now: Instant): void {
    this.#waitingSince ??= now;
  }

  #goOn(now: Instant): void {
    if (this.#waitingSince === undefined) return;
    this.#leftMs = Math.max(0, this.#leftMs - (now - this.#waitingSince));
    this.#waitingSince = undefined;
  }
}
