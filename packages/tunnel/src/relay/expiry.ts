// Things that all wait equally long. The order of arrival is the order of expiry, so one look at the oldest is
// enough, and thousands of them need no timer of their own.
import type { Instant } from "@holdfast/core";

export class ExpiryQueue<T> {
  readonly #lifetimeMs: number;
  /** Bounded by whoever adds. */
  readonly #deadlines = new Map<T, Instant>();

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  add(item: T, now: Instant): void {
    this.#deadlines.delete(item);
    this.#deadlines.set(item, now + this.#lifetimeMs);
  }

  delete(item: T): boolean {
    return this.#deadlines.delete(item);
  }

  /** Take out everything whose time is over. */
  expire(now: Instant): T[] {
    const expired: T[] = [];
    for (const [item, deadline] of this.#deadlines) {
      if (deadline > now) break;
      expired.push(item);
    }
    for (const item of expired) this.#deadlines.delete(item);
    return expired;
  }

  /** Take out everything. */
  clear(): T[] {
    const items = [...this.#deadlines.keys()];
    this.#deadlines.clear();
    return items;
  }
}
