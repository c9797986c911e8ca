// When to acknowledge what came. The rule of the protocol is a ceiling: at a quarter of the peer's replay bound,
// 256 KiB at most, or 25 ms after the first byte. We acknowledge sooner, at 64 KiB, at the end of what one read of the
// link brought: the other end measures its delivery rate by our acknowledgements and keeps no more in flight than that
// rate needs, so that late ones would slow it down, and 16 bytes for each 64 KiB are nothing.
import type { Instant } from "../ports.ts";

const PROMPT_BYTES = 65_536;

export class Acks {
  /** ACK is to be sent as soon as there is room. */
  due = false;
  /** When it falls due by itself. */
  dueAt: Instant = Infinity;
  #told = 0;
  #every = PROMPT_BYTES;
  readonly #delayMs: number;

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  pace(peerReplayBytes: number, ackBytes: number): void {
    this.#every = Math.max(1, Math.min(PROMPT_BYTES, ackBytes, Math.floor(peerReplayBytes / 4)));
  }

  /** The end of a read of the link. */
  received(position: number, now: Instant): void {
    if (this.due || position === this.#told) return;
    if (position - this.#told >= this.#every) this.due = true;
    else if (this.dueAt === Infinity) this.dueAt = now + this.#delayMs;
  }

  timeout(now: Instant): void {
    if (now < this.dueAt) return;
    this.due = true;
    this.dueAt = Infinity;
  }

  /** The other end is being told, by whatever frame. */
  told(position: number): void {
    this.#told = position;
    this.due = false;
    this.dueAt = Infinity;
  }
}
