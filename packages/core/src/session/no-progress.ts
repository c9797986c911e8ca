// Whether what was handed to the link still moves. A path may carry small packets and swallow large ones, or carry one
// direction only: then bytes still come, and only the acknowledgements that do not come show it.
import type { Instant } from "../ports.ts";

/** Bytes that the system took sooner than this were not waiting: an empty buffer takes them, whatever lies behind it. */
const WAITING_MS = 10;

/** How much more than its replay bound the peer may have had to say before an acknowledgement. */
const HEADROOM_BYTES = 65_536;

export class NoProgress {
  readonly #patienceMs: number;
  #outstanding = false;
  #queued = 0;
  #queuedSince: Instant = 0;
  #arrivedAt: Instant = -Infinity;
  /** The peer's position when patience first ran out. */
  #verdictRx: number | undefined;
  #checkAt: Instant = Infinity;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  get patienceMs(): number {
    return this.#patienceMs;
  }

  /** Another link, or none. */
  restart(now: Instant): void {
    this.#outstanding = false;
    this.#queued = 0;
    this.#arrivedAt = -Infinity;
    this.#moved(now);
    this.#checkAt = Infinity;
  }

  /** Sequenced bytes were handed to the link. */
  handed(now: Instant): void {
    if (this.#outstanding) return;
    this.#outstanding = true;
    this.#moved(now);
  }

  /** An acknowledgement came; `left`: something is still outstanding. */
  acknowledged(left: boolean, now: Instant): void {
    this.#outstanding = left;
    this.#moved(now);
  }

  /** So many bytes wait in this process. */
  queued(bytes: number, now: Instant): void {
    const waited = now - this.#queuedSince >= WAITING_MS;
    if (bytes < this.#queued && waited) this.#moved(now);
    if (this.#queued === 0) this.#queuedSince = now;
    this.#queued = bytes;
  }

  /** Sequenced bytes came. */
  arrived(now: Instant): void {
    this.#arrivedAt = now;
  }

  get checkAt(): Instant {
    return this.#outstanding ? this.#checkAt : Infinity;
  }

  /** @returns whether the link is to be given up. */
  stuck(rx: number, peerReplayBytes: number, now: Instant): boolean {
    if (!this.#outstanding || now < this.#checkAt) return false;
    this.#verdictRx ??= rx;
    // The acknowledgement may be behind what the peer has to say itself, but not behind more than it can have sent.
    if (rx - this.#verdictRx >= peerReplayBytes + HEADROOM_BYTES) return true;
    const silentAt = this.#arrivedAt + this.#patienceMs;
    if (now >= silentAt) return true;
    this.#checkAt = Math.min(silentAt, now + this.#patienceMs / 4);
    return false;
  }

  #moved(now: Instant): void {
    this.#verdictRx = undefined;
    this.#checkAt = now + this.#patienceMs;
  }
}
