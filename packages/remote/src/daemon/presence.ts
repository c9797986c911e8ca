// Whether those who asked for something are still there. Each is known by the key that it made; its control connection
// may break and come back.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";
import type { ControlPeer } from "@holdfast/control";

export interface PresenceOptions {
  readonly clock: Clock;
  /** How long an asker may be away, in milliseconds. */
  readonly graceMs: number;
  readonly most: number;
  /** The last asker has been away for too long. */
  readonly onAbandoned: () => void;
}

interface Asker {
  readonly timer: Timer;
  peers: number;
}

export class Presence {
  readonly #options: PresenceOptions;
  /** At most `most`. */
  readonly #askers = new Map<string, Asker>();
  #ended = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Somebody who asked is connected now. */
  get here(): boolean {
    return [...this.#askers.values()].some(({ peers }) => peers > 0);
  }

  has(key: string): boolean {
    return this.#askers.has(key);
  }

  /** @throws HoldfastError `too_many`. */
  join(key: string, peer: ControlPeer): void {
    const asker = this.#askers.get(key) ?? this.#newAsker(key);
    asker.timer.clear();
    asker.peers += 1;
    void peer.gone.then(() => {
      asker.peers -= 1;
      if (asker.peers === 0 && !this.#ended) asker.timer.set(this.#options.graceMs);
    });
  }

  end(): void {
    this.#ended = true;
    for (const { timer } of this.#askers.values()) timer.clear();
  }

  #newAsker(key: string): Asker {
    const { clock, most } = this.#options;
    if (this.#askers.size >= most) {
      const message = `${most} commands have asked for this already`;
      throw new HoldfastError({ code: "too_many", message, kind: "throttled", fault: "local" });
    }
    const asker = { timer: clock.timer(() => this.#expired(key)), peers: 0 };
    this.#askers.set(key, asker);
    return asker;
  }

  #expired(key: string): void {
    this.#askers.delete(key);
    if (this.#askers.size === 0) this.#options.onAbandoned();
  }
}
