// A socket as a link of bytes: large reads, writes with an account of what the system has taken, and one end.
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Clock, HoldfastError, Timer } from "@holdfast/core";
import type { AcceptedByteLink, ByteLink, ByteLinkTrust } from "../byte-link.ts";
import { systemClock } from "../host.ts";
import type { Endpoint } from "./endpoint.ts";
import type { TakePiece } from "./link-read.ts";
import { LinkRead } from "./link-read.ts";
import { interfaceAddress, plainAddress, plainTrust } from "./link-trust.ts";
import { guardSocket } from "./socket-care.ts";
import { closedHere, linkFailure } from "./socket-failure.ts";

export interface SocketBytesOptions {
  /** Default: what can be said of a plain socket: confidential if it does not leave this machine. */
  readonly trust?: ByteLinkTrust;
  /** Default: the socket's, without a port; `unix` for a unix socket. */
  readonly remoteAddress?: string;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** How long the other end may take for its own end after ours, in milliseconds. */
const LINGER_MS = 10_000;

/**
 * A connected socket, wherever it came from, as an accepted link. Nothing is read until `read`; nobody else may read
 * or write it.
 */
export function socketBytes(socket: Socket, options: SocketBytesOptions = {}): AcceptedByteLink {
  return new AcceptedSocket(socket, options);
}

/** What a socket reports, each at most once but `heard`. */
export interface SocketReports {
  heard(): void;
  /** The other end, or the network, ended it; never after `close`. */
  lost(cause: HoldfastError | undefined): void;
}

/** What links over sockets have in common. */
export class SocketBytes implements ByteLink {
  readonly socket: Socket;
  readonly trust: ByteLinkTrust;
  readonly #reports: SocketReports;
  readonly #clock: Clock;
  #live = true;
  /** The other end has ended in order. */
  #ended = false;
  #reading: LinkRead | undefined;
  #linger: Timer | undefined;
  #taken: () => void = () => undefined;
  #tellsTaken = false;

  constructor(socket: Socket, endpoint: Endpoint, reports: SocketReports, options: SocketBytesOptions) {
    this.socket = socket;
    this.trust = options.trust ?? plainTrust(socket, endpoint);
    this.#clock = options.clock ?? systemClock;
    this.#reports = reports;
    guardSocket(socket);
    // As `socket.on("data")`, but without starting the flow: whether and when to read is not decided here.
    EventEmitter.prototype.on.call(socket, "data", this.#heard);
    socket.once("end", () => this.#onEnd());
    socket.once("error", (error) => this.#lost(linkFailure(endpoint, error)));
    socket.once("close", () => {
      this.#lost(this.#ended ? undefined : closedHere(endpoint));
      this.#linger?.clear();
      this.#reading?.release();
    });
    // It may have ended before, when nobody listened.
    if (!socket.readableEnded && !socket.destroyed) return;
    const cause = socket.errored ? linkFailure(endpoint, socket.errored) : closedHere(endpoint);
    queueMicrotask(() => this.#lost(socket.readableEnded ? undefined : cause));
  }

  get localAddress(): string | undefined {
    return interfaceAddress(this.socket.localAddress);
  }

  read(take: TakePiece): void {
    if (this.#reading !== undefined || this.socket.destroyed) return;
    this.#reading = new LinkRead(this.socket, take, this.#heard);
  }

  write(bytes: Uint8Array): void {
    // After the end, or a break, Node would make an error of each.
    if (this.socket.writable) this.socket.write(bytes, this.#onTaken);
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  onTaken(listener: () => void): void {
    this.#taken = listener;
  }

  hold(held: boolean): void {
    this.#reading?.hold(held);
  }

  end(): void {
    if (this.socket.destroyed || this.#linger !== undefined) return;
    this.#linger = this.#clock.timer(() => this.socket.destroy());
    this.#linger.set(LINGER_MS);
    this.socket.end();
    // The other end's own end has to be seen.
    this.#reading?.hold(false);
    if (this.#reading === undefined) this.socket.resume();
  }

  close(): void {
    this.#live = false;
    this.#reading?.stop();
    this.socket.destroy();
  }

  readonly #heard = (): void => {
    if (this.#live) this.#reports.heard();
  };

  #onEnd(): void {
    this.#ended = true;
    // TLS may have gathered bytes that are still held back.
    if (this.#reading === undefined) this.#lost(undefined);
    else this.#reading.finish(() => this.#lost(undefined));
  }

  #lost(cause: HoldfastError | undefined): void {
    if (!this.#live) return;
    // What came before the end is delivered before it.
    this.#reading?.flush();
    if (!this.#live) return;
    this.#live = false;
    this.#reports.lost(cause);
  }

  /** One call for all the writes that were taken together. */
  readonly #onTaken = (): void => {
    if (this.#tellsTaken) return;
    this.#tellsTaken = true;
    queueMicrotask(() => {
      this.#tellsTaken = false;
      if (this.#live) this.#taken();
    });
  };
}

class AcceptedSocket extends SocketBytes implements AcceptedByteLink {
  readonly remoteAddress: string;
  #onEnd: ((cause: unknown) => void) | undefined;
  #ended: { readonly cause: unknown } | undefined;

  constructor(socket: Socket, options: SocketBytesOptions) {
    const lost = (cause: unknown): void => {
      this.#ended = { cause };
      this.#onEnd?.(cause);
    };
    super(socket, peerOf(socket, options), { heard: () => undefined, lost }, options);
    this.remoteAddress = options.remoteAddress ?? plainAddress(socket.remoteAddress) ?? "unix";
  }

  onEnd(listener: (cause: unknown) => void): void {
    this.#onEnd = listener;
    const ended = this.#ended;
    if (ended !== undefined) queueMicrotask(() => listener(ended.cause));
  }
}

function peerOf(socket: Socket, options: SocketBytesOptions): Endpoint {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) return { path: options.remoteAddress ?? "the socket" };
  return { host: plainAddress(remoteAddress) ?? remoteAddress, port: remotePort ?? 0 };
}
