// The plain bytes of a stream as a Node stream: of a connection both ways, of a process's stdin, stdout or stderr one
// way. An end is an end; everything else is an error, `link_lost` if the session is over.
import { Duplex, type DuplexOptions } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { StreamListener } from "@holdfast/net/session";
import { streamBroken } from "./failures.ts";
import type { PortSession } from "./stream-port.ts";

type Callback = (error?: Error | null) => void;

/** What may be read ahead for a reader that is slow, in bytes, besides the stream's window. */
const READ_AHEAD_BYTES = 262_144;
/** A piece that is so many times smaller than the memory that it lies in is copied. */
const MOST_KEPT = 16;

export interface SessionDuplexOptions {
  /** Which ways there are. Default both. */
  readonly ways?: "both" | "read" | "write";
  /** Bytes that came already. */
  readonly first?: Uint8Array;
}

/** Errors that nobody listens for are harmless: an `error` listener is always there. */
export function sessionDuplex(
  stream: SessionStream,
  session: PortSession,
  options: SessionDuplexOptions = {},
): SessionDuplex {
  const duplex = new SessionDuplex(stream, session, options);
  duplex.on("error", () => undefined);
  session.listen(stream, duplex.listener);
  // What came before anybody listened.
  duplex.listener.readable(stream);
  duplex.listener.writable(stream);
  return duplex;
}

export class SessionDuplex extends Duplex {
  readonly listener: StreamListener;
  readonly #stream: SessionStream;
  readonly #session: PortSession;
  readonly #reads: boolean;
  #first: Uint8Array | undefined;
  #wanted = false;
  #ended = false;
  /** A write that waits for room in the stream's queue. */
  #waiting: Callback | undefined = undefined;
  #onReceived: (() => void) | undefined = undefined;

  constructor(stream: SessionStream, session: PortSession, { ways = "both", first }: SessionDuplexOptions) {
    super(duplexOptions(ways));
    this.#stream = stream;
    this.#session = session;
    this.#reads = ways !== "write";
    this.#first = first !== undefined && first.length > 0 ? first : undefined;
    if (ways === "read") stream.end();
    this.listener = {
      readable: () => this.#readable(),
      writable: () => this.#writable(),
      forgotten: () => this.#forgotten(),
    };
  }

  /** Calls back once, when everything that will ever come has come, or nobody wants it any more. */
  onReceived(listener: () => void): void {
    this.#onReceived = listener;
    if (this.destroyed) this.#received();
    else this.#readable();
  }

  override _read(): void {
    this.#wanted = true;
    this.#readable();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: Callback): void {
    if (this.#stream.sent !== undefined) return callback(this.#failure() ?? stopped());
    if (this.#stream.write(Buffer.from(chunk as string, encoding))) callback();
    else this.#waiting = callback;
  }

  override _final(callback: Callback): void {
    this.#stream.end();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    // One that only wrote, and is through with that, must not drop what still waits to be sent.
    const through = this.#stream.sent !== undefined && (this.#ended || !this.#reads);
    if (error !== null || !through) this.#stream.reset(RESET.cancelled);
    this.#writable();
    this.#received();
    callback(error);
  }

  #readable(): void {
    if (this.#first !== undefined && this.#wanted && !this.destroyed) {
      const first = this.#first;
      this.#first = undefined;
      this.#wanted = this.push(first);
    }
    while ((this.#wanted || !this.#reads) && !this.destroyed && this.#first === undefined) {
      const piece = this.#stream.read();
      if (piece === undefined) break;
      this.#stream.consumed(piece.length);
      if (this.#reads) this.#wanted = this.push(affordable(piece));
    }
    this.#finish();
  }

  #finish(): void {
    const { received, readableBytes } = this.#stream;
    if (received?.type === "finished") this.#received();
    if (received === undefined || readableBytes > 0 || this.#ended || this.#first !== undefined) return;
    this.#ended = true;
    if (received.type === "reset") {
      // One that only writes does not care why the other end says nothing.
      if (this.#reads) this.destroy(this.#failure());
    } else if (this.#reads) {
      this.push(null);
    }
  }

  #writable(): void {
    const callback = this.#waiting;
    const { sent, writable } = this.#stream;
    if (callback === undefined || (!writable && sent === undefined)) return;
    this.#waiting = undefined;
    callback(sent?.type === "reset" ? (this.#failure() ?? stopped()) : null);
  }

  #forgotten(): void {
    const failure = this.#failure();
    if (failure !== undefined && !this.destroyed) this.destroy(failure);
  }

  #received(): void {
    const tell = this.#onReceived;
    this.#onReceived = undefined;
    tell?.();
  }

  #failure(): HoldfastError | undefined {
    return streamBroken(this.#stream, this.#session);
  }
}

/** Node knows `readable` and `writable`, which its types leave out. */
function duplexOptions(ways: "both" | "read" | "write"): DuplexOptions {
  const options = { readable: ways !== "write", writable: ways !== "read", allowHalfOpen: true };
  return { ...options, readableHighWaterMark: READ_AHEAD_BYTES } as DuplexOptions;
}

function affordable(piece: Uint8Array): Uint8Array {
  return piece.length * MOST_KEPT < piece.buffer.byteLength ? Buffer.from(piece) : piece;
}

function stopped(): HoldfastError {
  const message = "the other side reads no more of this stream";
  return new HoldfastError({ code: "stream_stopped", message, fault: "peer" });
}
