// Ids and ports that were given to commands for things that are not kept. After a crash the same command, by its key,
// gets the same ones again; after a while nobody does.
import type { Clock, Timer } from "@holdfast/core";
import type { Promised } from "./state-file.ts";

export class Promises {
  /** At most as many as there were connections and forwards. */
  readonly #promised = new Map<string, Promised>();
  readonly #expiry: Timer;

  constructor(promised: readonly Promised[], clock: Clock, forMs: number, onExpired: () => void) {
    for (const each of promised) this.#promised.set(each.key, each);
    this.#expiry = clock.timer(() => {
      this.#promised.clear();
      onExpired();
    });
    if (promised.length > 0) this.#expiry.set(forMs);
  }

  has(key: string): boolean {
    return this.#promised.has(key);
  }

  /** What this command had, once. */
  take(key: string): Promised | undefined {
    const promised = this.#promised.get(key);
    this.#promised.delete(key);
    return promised;
  }

  get open(): readonly Promised[] {
    return [...this.#promised.values()];
  }

  end(): void {
    this.#expiry.clear();
  }
}
