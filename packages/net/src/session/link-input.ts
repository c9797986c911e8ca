// What a link brings, and to whom: a link is read once, but first a handshake wants its bytes, and then the session.
import type { ByteLink } from "../byte-link.ts";

/** @returns whether nobody needs the memory of the bytes any more. */
export type TakeInput = (bytes: Uint8Array) => boolean;

export class LinkInput {
  #take: TakeInput;
  /** What came while nobody took it: bounded by what one read of the link brings. */
  #kept: Uint8Array[] = [];

  constructor(link: ByteLink, take: TakeInput) {
    this.#take = take;
    link.read((bytes) => this.#take(bytes));
  }

  /** Somebody else takes it as soon as this turn is over; a link may bring several pieces in one. */
  keep(): void {
    this.#take = (bytes) => {
      this.#kept.push(bytes);
      return false;
    };
  }

  /** From now on, and what was kept first. */
  to(take: TakeInput): void {
    const kept = this.#kept;
    this.#kept = [];
    this.#take = take;
    for (const bytes of kept) this.#take(bytes);
  }

  /** Nobody wants it any more. */
  drop(): void {
    this.#take = () => true;
  }
}
