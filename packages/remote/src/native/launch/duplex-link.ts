// A link of bytes through a machine: a connection that the machine makes, as a session needs it. It ends with the
// machine, which it has to itself.
import type { Duplex } from "node:stream";
import type { HoldfastError } from "@holdfast/core";
import type { Attempt, ByteLink, ByteLinkTrust } from "@holdfast/net";

export interface DuplexLinkOptions {
  readonly stream: Duplex;
  readonly attempt: Attempt;
  readonly trust: ByteLinkTrust;
  readonly localAddress: string | undefined;
  /** It has ended, by itself or by being closed: end what it went through. */
  readonly onGone: (reason: HoldfastError | undefined) => void;
}

export class DuplexLink implements ByteLink {
  readonly trust: ByteLinkTrust;
  readonly localAddress: string | undefined;
  readonly #options: DuplexLinkOptions;
  #live = true;
  #taken: () => void = () => undefined;

  constructor(options: DuplexLinkOptions) {
    const { stream, trust, localAddress } = options;
    this.#options = options;
    this.trust = trust;
    this.localAddress = localAddress;
    stream.pause();
    stream.once("error", (error) => this.lost(error));
    stream.once("end", () => this.lost(undefined));
    stream.once("close", () => this.lost(undefined));
  }

  read(take: (bytes: Uint8Array) => boolean): void {
    const { stream, attempt } = this.#options;
    stream.on("data", (piece: Uint8Array) => {
      if (!this.#live) return;
      attempt.heard();
      take(piece);
    });
    stream.resume();
  }

  write(bytes: Uint8Array): void {
    const { stream } = this.#options;
    if (stream.writable) stream.write(bytes, () => this.#live && this.#taken());
  }

  cork(): void {
    this.#options.stream.cork();
  }

  uncork(): void {
    this.#options.stream.uncork();
  }

  get queuedBytes(): number {
    return this.#options.stream.writableLength;
  }

  onTaken(listener: () => void): void {
    this.#taken = listener;
  }

  hold(held: boolean): void {
    if (held) this.#options.stream.pause();
    else this.#options.stream.resume();
  }

  end(): void {
    this.#options.stream.end();
  }

  close(reason?: HoldfastError): void {
    this.#live = false;
    this.#options.stream.destroy();
    this.#options.onGone(reason);
  }

  /** The connection, or what it goes through, has ended. */
  lost(cause: unknown): void {
    if (!this.#live) return;
    this.#live = false;
    this.#options.attempt.lost(cause);
    this.#options.stream.destroy();
    this.#options.onGone(undefined);
  }
}
