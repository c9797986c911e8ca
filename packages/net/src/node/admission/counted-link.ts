// A link that says when it is gone to somebody besides its listener: to whoever counts links. That is when it ends by
// itself, and when it is closed here, of which links tell nobody.
import type { AcceptedByteLink, ByteLinkTrust } from "../../byte-link.ts";
import type { HoldfastError } from "@holdfast/core";

export class CountedLink implements AcceptedByteLink {
  readonly trust: ByteLinkTrust;
  readonly remoteAddress: string;
  readonly localAddress: string | undefined;
  readonly #link: AcceptedByteLink;
  readonly #onGone: () => void;
  #listener: ((cause: unknown) => void) | undefined = undefined;

  /** `onGone` may be called more than once. */
  constructor(link: AcceptedByteLink, onGone: () => void) {
    this.#link = link;
    this.#onGone = onGone;
    this.trust = link.trust;
    this.remoteAddress = link.remoteAddress;
    this.localAddress = link.localAddress;
    link.onEnd((cause) => {
      onGone();
      this.#listener?.(cause);
    });
  }

  get queuedBytes(): number {
    return this.#link.queuedBytes;
  }

  read(take: (bytes: Uint8Array) => boolean): void {
    this.#link.read(take);
  }

  write(bytes: Uint8Array): void {
    this.#link.write(bytes);
  }

  cork(): void {
    this.#link.cork();
  }

  uncork(): void {
    this.#link.uncork();
  }

  onTaken(listener: () => void): void {
    this.#link.onTaken(listener);
  }

  hold(held: boolean): void {
    this.#link.hold(held);
  }

  end(): void {
    this.#link.end();
  }

  restrict(mostBytes: number | undefined): void {
    this.#link.restrict?.(mostBytes);
  }

  close(reason?: HoldfastError): void {
    this.#link.close(reason);
    this.#onGone();
  }

  onEnd(listener: (cause: unknown) => void): void {
    this.#listener = listener;
  }
}
