// The pace at which tunnels are opened: a short queue at a steady rate, and behind it reservations.
import type { Clock, Instant, Random, Timer } from "@holdfast/core";
import { NO_RESERVATION, reserve, type Reservation } from "./reservation.ts";

export interface PacerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly perSecond: number;
  /** How much work the queue holds at most, in milliseconds. */
  readonly queueMs: number;
}

export type Turn =
  /** It is your turn. */
  | { readonly type: "go" }
  /** The queue is full: come back then. */
  | { readonly type: "busy"; readonly retryAfterMs: number };

export class Pacer {
  readonly #options: PacerOptions;
  readonly #timer: Timer;
  /** At most as many as fit into `queueMs`. */
  readonly #waiting: { readonly at: Instant; readonly go: () => void }[] = [];
  #next: Instant = -Infinity;
  #reservation: Reservation = NO_RESERVATION;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => this.#release());
  }

  /** Wait for a turn, or learn at once that there is none soon. */
  turn(): Promise<Turn> {
    const { clock, perSecond, queueMs } = this.#options;
    const now = clock.mono();
    const at = Math.max(this.#next, now);
    if (at - now > queueMs) return Promise.resolve({ type: "busy", retryAfterMs: this.hint() });
    this.#next = at + 1_000 / perSecond;
    if (at <= now) return Promise.resolve({ type: "go" });
    return new Promise((resolve) => {
      this.#waiting.push({ at, go: () => resolve({ type: "go" }) });
      if (this.#waiting.length === 1) this.#timer.set(at - now);
    });
  }

  /** A slot for somebody who is sent away, in milliseconds from now, at least `leastMs`. */
  hint(leastMs = 0): number {
    const { clock, perSecond, random } = this.#options;
    const now = clock.mono();
    const queueMs = Math.max(0, this.#next - now, leastMs);
    const { reservation, retryAfterMs } = reserve(this.#reservation, now, queueMs, perSecond, random);
    this.#reservation = reservation;
    return retryAfterMs;
  }

  /** Let everybody through who still waits; whoever asks later must not wait either. */
  close(): void {
    this.#timer.clear();
    for (const { go } of this.#waiting.splice(0)) go();
  }

  #release(): void {
    const now = this.#options.clock.mono();
    const due = this.#waiting.findIndex(({ at }) => at > now);
    for (const { go } of this.#waiting.splice(0, due < 0 ? this.#waiting.length : due)) go();
    const first = this.#waiting[0];
    if (first !== undefined) this.#timer.set(Math.max(1, first.at - now));
  }
}
