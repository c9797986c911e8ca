// A socket and a stream of a session become one connection: bytes are copied both ways until both are done. The bulk
// path of tunnels: what comes by the session is handed to the socket as it is, and credit follows from what the system
// has taken; what comes by the socket is read into a buffer that is used again and again, and copied once.
import type { Socket } from "node:net";
import { Socket as NetSocket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { SessionHandle, StreamListener } from "../session/surface.ts";
import { streamFailure } from "../session/stream-failure.ts";
import { onOrderlyEnd } from "./orderly-end.ts";
import { readBulk } from "./bulk-read.ts";
import { atEndOfRound } from "./round.ts";
import { guardSocket, resetSocket } from "./socket-care.ts";
import { linkFailure } from "./socket-failure.ts";

/** What is written to a socket may keep so many times its length from being read into again … */
const MOST_KEPT = 16;
/** … and so many times where it has to wait. */
const MOST_KEPT_WAITING = 8;

/** What is read in pieces of at most so many bytes is sent together with what other sockets bring in the same round. */
const SHORT_BYTES = 2_048;

export interface StreamSpliceResult {
  /** Bytes that came by the stream and were handed to the socket. */
  readonly bytesIn: number;
  /** Bytes that were read from the socket and handed to the stream. */
  readonly bytesOut: number;
  /** What broke it; `undefined` if both directions came to an orderly end. */
  readonly error: HoldfastError | undefined;
}

/**
 * Copy both ways with back-pressure. An end ends that direction only; whatever breaks one side resets the other, so
 * that nobody takes a broken stream for a complete one. The socket needs `allowHalfOpen`, is destroyed in the end, and
 * must not be read by anybody else. Resolves when both are done with. Never rejects.
 */
export function spliceStream(
  socket: Socket,
  stream: SessionStream,
  session: Pick<SessionHandle, "listen">,
): Promise<StreamSpliceResult> {
  return new Promise((resolve) => new StreamSplice(socket, stream, resolve).start(session));
}

class StreamSplice implements StreamListener {
  readonly #socket: Socket;
  readonly #stream: SessionStream;
  readonly #resolve: (result: StreamSpliceResult) => void;
  #endReading: () => void = () => undefined;
  /** Bytes that the socket was given, and those of them that the peer may send anew. */
  #bytesIn = 0;
  #credited = 0;
  #bytesOut = 0;
  /** The first piece of this turn: most turns bring no other, and then nothing need be corked. */
  #first: Uint8Array | undefined = undefined;
  #corked = false;
  /** A short piece for the stream, until the end of the round. */
  #held: Buffer | undefined = undefined;
  /** The socket had not taken all when this turn began. */
  #stuck = false;
  /** The direction is complete: by FIN to the socket, by the socket's end to the stream. */
  #inDone = false;
  #outDone = false;
  #waiting = false;
  #closed = false;
  #forgotten = false;
  #error: HoldfastError | undefined = undefined;

  constructor(socket: Socket, stream: SessionStream, resolve: (result: StreamSpliceResult) => void) {
    this.#socket = socket;
    this.#stream = stream;
    this.#resolve = resolve;
  }

  start(session: Pick<SessionHandle, "listen">): void {
    const socket = this.#socket;
    guardSocket(socket);
    session.listen(this.#stream, this);
    socket.once("error", (error) => (this.#error ??= linkFailure({ path: "the socket" }, error)));
    if (socket.closed) queueMicrotask(() => this.#socketClosed());
    else socket.once("close", () => this.#socketClosed());
    if (!socket.destroyed) this.#copyOut();
    // What came before anybody listened.
    this.readable();
    this.settled();
  }

  readable(): void {
    const [stream, socket] = [this.#stream, this.#socket];
    for (let piece = stream.read(); piece !== undefined; piece = stream.read()) {
      if (socket.destroyed || this.#inDone) continue;
      if (this.#corked) {
        this.#write(piece);
      } else if (this.#first === undefined) {
        this.#first = piece;
        this.#stuck = socket.writableLength > 0;
      } else {
        this.#corked = true;
        socket.cork();
        this.#writeFirst();
        this.#write(piece);
      }
    }
  }

  /** The end of the turn: everything that it brought leaves in one write. */
  settled(): boolean {
    const socket = this.#socket;
    this.#writeFirst();
    if (this.#corked) {
      this.#corked = false;
      socket.uncork();
    }
    this.#credit();
    const { received } = this.#stream;
    if (received?.type === "finished" && this.#stream.readableBytes === 0) this.#finish();
    else if (received?.type === "reset") this.#breakSocket();
    return socket.writableLength > 0;
  }

  writable(): void {
    // After a STOP what the socket still sends is read and thrown away: the other direction goes on.
    if (!this.#waiting || !(this.#stream.writable || this.#stream.sent !== undefined)) return;
    this.#waiting = false;
    this.#socket.resume();
  }

  forgotten(): void {
    this.#forgotten = true;
    this.#error ??= streamFailure(this.#stream);
    if (this.#error !== undefined) this.#breakSocket();
    this.#conclude();
  }

  #writeFirst(): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && !this.#socket.destroyed) this.#write(first);
  }

  #write(piece: Uint8Array): void {
    this.#bytesIn += piece.length;
    this.#socket.write(affordable(piece, this.#stuck), this.#taken);
  }

  /** One for all writes: how much was taken is read off the socket. */
  readonly #taken = (): void => this.#credit();

  #credit(): void {
    const taken = this.#bytesIn - this.#socket.writableLength;
    if (taken <= this.#credited) return;
    const more = taken - this.#credited;
    this.#credited = taken;
    this.#stream.consumed(more);
  }

  #finish(): void {
    const socket = this.#socket;
    if (this.#inDone) return;
    this.#inDone = true;
    // Nothing is left to say or to hear: to close at once saves the system a call for each connection.
    if (this.#outDone && socket.writableLength === 0 && isPlain(socket)) socket.destroy();
    else socket.end();
  }

  #breakSocket(): void {
    this.#error ??= streamFailure(this.#stream);
    resetSocket(this.#socket);
  }

  #copyOut(): void {
    const socket = this.#socket;
    this.#endReading = readBulk(socket, (bytes, released) => this.#send(bytes, released));
    onOrderlyEnd(socket, () => {
      this.#outDone = true;
      atEndOfRound(this.#flush);
    });
    socket.resume();
  }

  #send(bytes: Buffer, released: (() => void) | undefined): boolean {
    const held = this.#held;
    if (held === undefined) {
      if (released !== undefined || bytes.length > SHORT_BYTES) return this.#sendNow(bytes, released);
      this.#held = bytes;
      atEndOfRound(this.#flush);
      return true;
    }
    // As one: the stream may want no more after the first of two.
    this.#held = undefined;
    const both = Buffer.concat([held, bytes]);
    released?.();
    return this.#sendNow(both, undefined);
  }

  #sendNow(bytes: Buffer, released: (() => void) | undefined): boolean {
    if (this.#stream.sent !== undefined) {
      released?.();
      return true;
    }
    this.#bytesOut += bytes.length;
    this.#waiting = !this.#stream.write(bytes, released);
    return !this.#waiting;
  }

  /** The end of the round: what was held goes, and the end behind it. */
  readonly #flush = (): void => {
    const [held, socket] = [this.#held, this.#socket];
    this.#held = undefined;
    if (held !== undefined && !this.#sendNow(held, undefined)) socket.pause();
    if (!this.#outDone) return;
    this.#stream.end();
    if (this.#inDone && socket.writableLength === 0 && isPlain(socket)) socket.destroy();
  };

  /** Both orderly ends are needed: without them the far side must not take the stream for complete. */
  #socketClosed(): void {
    this.#closed = true;
    this.#flush();
    this.#endReading();
    if (!this.#inDone || !this.#outDone) {
      this.#error ??= streamFailure(this.#stream) ?? cutShort();
      this.#stream.reset(RESET.socketFailed);
    }
    this.#conclude();
  }

  #conclude(): void {
    if (!this.#closed || (!this.#forgotten && this.#error === undefined)) return;
    this.#resolve({ bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, error: this.#error });
  }
}

/**
 * A piece is a part of what was read from the link at once. If whoever it is for does not read, a byte would keep all
 * of that in memory.
 */
function affordable(piece: Uint8Array, stuck: boolean): Uint8Array {
  const most = stuck ? MOST_KEPT_WAITING : MOST_KEPT;
  return piece.length * most < piece.buffer.byteLength ? Buffer.from(piece) : piece;
}

/** TLS has to say goodbye in words of its own. */
function isPlain(socket: Socket): boolean {
  return Object.getPrototypeOf(socket) === NetSocket.prototype;
}

function cutShort(): HoldfastError {
  const message = "the socket was closed before the stream was complete";
  return new HoldfastError({ code: "connection_cut", message, fault: "local" });
}
