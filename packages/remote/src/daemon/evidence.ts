// Watches how old the last sign of life of a connection is, so that those who subscribed hear of it when what they were
// told is not known any more, and when it is again.
import { MAX_TIMER_MS, type Clock, type Timer } from "@holdfast/core";
import type { ConnectionStatus } from "../connection/connection.ts";
import { isStale } from "./shown-connection.ts";

/** How often a connection without evidence is looked at, in milliseconds. */
const LOOK_MS = 250;

export interface EvidenceOptions {
  readonly clock: Clock;
  readonly livenessTimeoutMs: number;
  readonly status: () => ConnectionStatus;
  /** What is shown is another thing now. */
  readonly onChange: () => void;
}

export class Evidence {
  readonly #options: EvidenceOptions;
  readonly #timer: Timer;
  #stale = false;

  constructor(options: EvidenceOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => this.look());
  }

  /** Look now, and again when it may be too old. */
  look(): void {
    const { clock, livenessTimeoutMs, status: read, onChange } = this.#options;
    const status = read();
    const now = clock.wall();
    const stale = isStale(status, livenessTimeoutMs, now);
    if (status.state !== "connected") this.#timer.clear();
    else if (stale) this.#timer.set(LOOK_MS);
    else {
      const leftMs = (status.lastHeard ?? status.since) + livenessTimeoutMs - now;
      // The wall clock may have been set back meanwhile.
      this.#timer.set(Math.min(leftMs, livenessTimeoutMs, MAX_TIMER_MS - 1) + 1);
    }
    if (stale === this.#stale) return;
    this.#stale = stale;
    onChange();
  }

  /** What was told last is another thing than what is seen now. */
  differs(stale: boolean): boolean {
    return stale !== this.#stale;
  }

  end(): void {
    this.#timer.clear();
  }
}
