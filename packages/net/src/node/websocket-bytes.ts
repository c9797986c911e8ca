// A WebSocket as a link of bytes: binary messages whose borders mean nothing. Small writes leave together in one.
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import type { RawData, WebSocket } from "ws";
import type { AcceptedByteLink, ByteLink, ByteLinkTrust } from "../byte-link.ts";
import { gatherWrites } from "../gather-writes.ts";
import { interfaceAddress } from "./link-trust.ts";
import type { SocketReports } from "./byte-socket.ts";
import type { Endpoint } from "./endpoint.ts";
import { formatEndpoint } from "./endpoint.ts";
import type { TakePiece } from "./link-read.ts";
import { closedHere, linkFailure } from "./socket-failure.ts";

/** The subprotocol, which tells our links from other uses of the port. */
export const HOLDFAST_SUBPROTOCOL: string = "holdfast.1";
/** A message that came may be this long: the largest frame of a session, and something to spare. */
export const MAX_MESSAGE_BYTES: number = 1_048_576 + 65_536;
const LARGEST_SENT_BYTES = 1_048_576;
/** How long the other end may take to answer a close, in milliseconds. */
export const WEBSOCKET_CLOSE_MS: number = 10_000;

const UNSUPPORTED_DATA = 1003;
const NORMAL = 1000;
/** What the other end never says: the connection ended without its goodbye. */
const ABNORMAL = 1006;

export interface WebSocketParts {
  readonly webSocket: WebSocket;
  /** The socket below, which nobody else reads or writes. */
  readonly socket: Socket;
  readonly endpoint: Endpoint;
  readonly trust: ByteLinkTrust;
}

/** What links over WebSockets have in common. */
export class WebSocketBytes implements ByteLink {
  readonly trust: ByteLinkTrust;
  readonly webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #endpoint: Endpoint;
  readonly #reports: SocketReports;
  #live = true;
  #take: TakePiece | undefined;
  #held = false;
  #closed = false;
  /** Messages that came while it was held back: bounded by what one read of the socket brings. */
  #waiting: Uint8Array[] = [];
  #corked = 0;
  /** Writes since `cork`: bounded by whoever writes, who sees them in `queuedBytes`. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #taken: () => void = () => undefined;
  #tellsTaken = false;
  #broken: HoldfastError | undefined;
  /** It ended without a goodbye, and what came before that still counts. */
  #cut: HoldfastError | undefined;

  constructor({ webSocket, socket, endpoint, trust }: WebSocketParts, reports: SocketReports) {
    this.webSocket = webSocket;
    this.trust = trust;
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#reports = reports;
    webSocket.pause();
    webSocket.on("message", this.#onMessage);
    webSocket.on("ping", this.#heard);
    webSocket.on("pong", this.#heard);
    // Errors of the socket below are not passed on by it.
    socket.on("error", (error) => (this.#broken ??= linkFailure(endpoint, error)));
    webSocket.on("error", (error) => (this.#broken ??= linkFailure(endpoint, error)));
    webSocket.once("close", (code) => this.#onClose(code));
    if (webSocket.readyState === webSocket.CLOSED) queueMicrotask(() => this.#lost(closedHere(endpoint)));
  }

  get localAddress(): string | undefined {
    return interfaceAddress(this.#socket.localAddress);
  }

  read(take: TakePiece): void {
    if (this.#take !== undefined) return;
    this.#take = take;
    this.#goOn();
  }

  write(bytes: Uint8Array): void {
    if (this.webSocket.readyState !== this.webSocket.OPEN) return;
    if (this.#corked === 0) return this.#send(bytes);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  cork(): void {
    this.#corked += 1;
  }

  uncork(): void {
    if (this.#corked === 0 || --this.#corked > 0) return;
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.webSocket.readyState !== this.webSocket.OPEN) return;
    this.#socket.cork();
    for (const message of gatherWrites(pending)) this.#send(message);
    this.#socket.uncork();
  }

  get queuedBytes(): number {
    return this.webSocket.bufferedAmount + this.#pendingBytes;
  }

  onTaken(listener: () => void): void {
    this.#taken = listener;
  }

  hold(held: boolean): void {
    this.#held = held;
    if (held) return this.webSocket.pause();
    // In a turn of its own: whoever lets go is in the middle of something.
    queueMicrotask(this.#goOn);
  }

  end(): void {
    this.webSocket.close(NORMAL);
    // The other end's answer has to be seen.
    if (this.#take === undefined) this.webSocket.resume();
    else this.hold(false);
  }

  close(): void {
    this.#live = false;
    this.webSocket.terminate();
  }

  /** What the other end does is not bearable. */
  protected break(failure: HoldfastError): void {
    this.#broken ??= failure;
    this.webSocket.terminate();
  }

  readonly #heard = (): void => {
    if (this.#live) this.#reports.heard();
  };

  readonly #onMessage = (data: RawData, isBinary: boolean): void => {
    this.#heard();
    if (!isBinary) {
      this.#broken ??= notOurs(this.#endpoint);
      return this.webSocket.close(UNSUPPORTED_DATA);
    }
    this.#deliver(data as Buffer);
  };

  readonly #goOn = (): void => {
    for (;;) {
      if (this.#held || this.#take === undefined) return;
      const bytes = this.#waiting.shift();
      if (bytes === undefined) break;
      if (this.#live) this.#take(bytes);
    }
    if (this.#closed) this.#lost(this.#broken ?? this.#cut);
    else this.webSocket.resume();
  };

  #onClose(code: number): void {
    this.#closed = true;
    if (code === ABNORMAL) this.#cut = cutOff(this.#endpoint);
    // What came before the end is delivered before it, also if it is held back now; not so if it broke.
    if (this.#waiting.length === 0 || this.#broken !== undefined) this.#lost(this.#broken ?? this.#cut);
  }

  #deliver(bytes: Uint8Array): void {
    if (!this.#live) return;
    // Also behind what waits already.
    if (this.#held || this.#waiting.length > 0) this.#waiting.push(bytes);
    else this.#take?.(bytes);
  }

  #send(bytes: Uint8Array): void {
    // Nearly always one message: frames are smaller.
    for (let at = 0; at < bytes.length; at += LARGEST_SENT_BYTES) {
      this.webSocket.send(bytes.subarray(at, at + LARGEST_SENT_BYTES), this.#onTaken);
    }
  }

  /** One call for all the messages that were taken together. */
  readonly #onTaken = (): void => {
    if (this.#tellsTaken) return;
    this.#tellsTaken = true;
    queueMicrotask(() => {
      this.#tellsTaken = false;
      if (this.#live) this.#taken();
    });
  };

  #lost(cause: HoldfastError | undefined): void {
    if (!this.#live) return;
    this.#live = false;
    this.#reports.lost(cause);
  }
}

/** A WebSocket that was accepted. */
export class AcceptedWebSocket extends WebSocketBytes implements AcceptedByteLink {
  readonly remoteAddress: string;
  readonly #parts: WebSocketParts;
  /** What may still come. */
  #mostBytes = Infinity;
  #onEnd: ((cause: unknown) => void) | undefined;
  #ended: { readonly cause: unknown } | undefined;

  constructor(parts: WebSocketParts, remoteAddress: string) {
    const lost = (cause: unknown): void => {
      this.#ended = { cause };
      this.#onEnd?.(cause);
    };
    super(parts, { heard: () => undefined, lost });
    this.#parts = parts;
    this.remoteAddress = remoteAddress;
  }

  restrict(mostBytes: number | undefined): void {
    const { socket } = this.#parts;
    socket.removeListener("data", this.#count);
    this.#mostBytes = mostBytes ?? Infinity;
    // Before the WebSocket, which keeps a message until it is complete; and this listener starts no flow.
    if (mostBytes !== undefined) socket.prependListener("data", this.#count);
  }

  onEnd(listener: (cause: unknown) => void): void {
    this.#onEnd = listener;
    const ended = this.#ended;
    if (ended !== undefined) queueMicrotask(() => listener(ended.cause));
  }

  readonly #count = (bytes: Uint8Array): void => {
    this.#mostBytes -= bytes.length;
    if (this.#mostBytes >= 0) return;
    this.restrict(undefined);
    this.break(tooMuch(this.#parts.endpoint));
  };
}

function tooMuch(endpoint: Endpoint): HoldfastError {
  const message = `${formatEndpoint(endpoint)} sent more than it may before its handshake is done`;
  return new HoldfastError({ code: "not_our_peer", message, kind: "fatal", fault: "peer" });
}

function cutOff(endpoint: Endpoint): HoldfastError {
  const message = `${formatEndpoint(endpoint)} ended the connection without a goodbye`;
  return new HoldfastError({ code: "connection_reset", message, fault: "peer" });
}

function notOurs(endpoint: Endpoint): HoldfastError {
  const message = `${formatEndpoint(endpoint)} sent text where bytes were due`;
  return new HoldfastError({ code: "not_our_peer", message, kind: "fatal", fault: "peer" });
}
