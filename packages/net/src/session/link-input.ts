// What a link brings, and to whom: a link is read once, but first a handshake wants its bytes, and then the session.
import type { ByteLink } from "../byte-link.ts";

/** @returns whether nobody needs the memory of the bytes any more. */
export type TakeInput = (bytes: Uint8Array) => boolean;

export class LinkInput {
  #take: TakeInput;

  constructor(link: ByteLink, take: TakeInput) {
    this.#take = take;
    link.read((bytes) => this.#take(bytes));
  }

  /** From now on. */
  to(take: TakeInput): void {
    this.#take = take;
  }

  /** Nobody wants it any more. */
  drop(): void {
    this.#take = () => true;
  }
}
