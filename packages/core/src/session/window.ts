// The window of one stream, on its receiving side: what the other end may send, and when to tell it so. Windows start
// small and grow, out of pools, where they hold a sender up; they shrink again when they do not.
import type { Instant } from "../ports.ts";
import type { Pool } from "./pool.ts";

/** A round trip of (nearly) nothing would never let a window grow. */
const LEAST_HURRY_MS = 10;

/** A window that holds nobody up for so long gives back half of what it grew by. */
export const SLACK_MS = 10_000;

export interface GrowthPools {
  readonly session: Pool;
  readonly process: Pool;
}

export class Window {
  /** The offset up to which the other end may send. Never falls. */
  granted: number;
  /** Bytes that the application is done with. */
  consumed = 0;
  readonly #least: number;
  readonly #most: number;
  readonly #pools: GrowthPools;
  #size: number;
  /** Taken from both pools. */
  #held = 0;
  #grantedAt: Instant;
  #hurriedAt: Instant;

  constructor(initialCredit: number, least: number, most: number, pools: GrowthPools, now: Instant) {
    this.granted = initialCredit;
    this.#least = least;
    this.#size = least;
    this.#most = Math.max(least, most);
    this.#pools = pools;
    this.#grantedAt = now;
    this.#hurriedAt = now;
  }

  get size(): number {
    return this.#size;
  }

  get grown(): boolean {
    return this.#held > 0;
  }

  /** Half of it, or more, is used up. */
  get due(): boolean {
    return 2 * (this.consumed + this.#size - this.granted) >= this.#size;
  }

  /** What the other end is told now. */
  grant(now: Instant, rttMs: number): number {
    if (now - this.#grantedAt <= Math.max(2 * rttMs, LEAST_HURRY_MS)) {
      this.#hurriedAt = now;
      this.#grow();
    }
    this.#grantedAt = now;
    this.granted = Math.max(this.granted, this.consumed + this.#size);
    return this.granted;
  }

  /** Called about every ten seconds: give back what is not needed. */
  relax(now: Instant): void {
    if (now - this.#hurriedAt >= SLACK_MS && this.#size > this.#least) {
      const growth = this.#size - this.#least;
      this.#size = this.#least + (growth < 2 * this.#least ? 0 : Math.floor(growth / 2));
      this.#hurriedAt = now;
    }
    // Granted credit is never revoked, and what was granted may come: so long it stays taken.
    this.#keep(Math.max(this.#size, this.granted - this.consumed) - this.#least);
  }

  /** Nothing more will come: all of the growth goes back. */
  release(): void {
    this.#keep(0);
    this.#size = this.#least;
  }

  #grow(): void {
    const size = Math.min(2 * this.#size, this.#most);
    const more = size - this.#least - this.#held;
    if (more > 0) {
      if (!this.#pools.session.take(more)) return;
      if (!this.#pools.process.take(more)) {
        this.#pools.session.give(more);
        return;
      }
      this.#held += more;
    }
    this.#size = size;
  }

  #keep(bytes: number): void {
    const back = this.#held - Math.max(0, bytes);
    if (back <= 0) return;
    this.#held -= back;
    this.#pools.session.give(back);
    this.#pools.process.give(back);
  }
}
