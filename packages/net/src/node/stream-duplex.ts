// A stream of a session as a Node Duplex, for code that wants one. An end is an end, everything else an error.
import { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { SessionHandle, StreamListener } from "../session/surface.ts";
import { streamFailure } from "../session/stream-failure.ts";

type Callback = (error?: Error | null) => void;

/**
 * The stream as a Duplex that may be half open. `end()` is FIN; `destroy()` before both directions have ended is
 * RESET, and a RESET of the other side destroys it with `stream_reset`. What is written is copied: it is kept until
 * the other side has it, while a caller may use its buffer again as soon as the write is done.
 */
export function streamDuplex(stream: SessionStream, session: Pick<SessionHandle, "listen">): Duplex {
  const duplex = new StreamDuplex(stream);
  session.listen(stream, duplex.listener);
  return duplex;
}

class StreamDuplex extends Duplex {
  readonly listener: StreamListener;
  readonly #stream: SessionStream;
  #wanted = false;
  #ended = false;
  /** A write that waits for room in the stream's queue. */
  #waiting: Callback | undefined = undefined;

  constructor(stream: SessionStream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.listener = {
      readable: () => this.#readable(),
      writable: () => this.#writable(),
      forgotten: () => this.#forgotten(),
    };
  }

  override _read(): void {
    this.#wanted = true;
    this.#readable();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: Callback): void {
    if (this.#stream.sent !== undefined) return callback(streamFailure(this.#stream) ?? stopped());
    if (this.#stream.write(Buffer.from(chunk as string, encoding))) callback();
    else this.#waiting = callback;
  }

  override _final(callback: Callback): void {
    this.#stream.end();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const { received, sent } = this.#stream;
    if (received === undefined || sent === undefined || !this.#ended) this.#stream.reset(RESET.cancelled);
    this.#writable();
    callback(error);
  }

  #readable(): void {
    while (this.#wanted && !this.destroyed) {
      const piece = this.#stream.read();
      if (piece === undefined) break;
      this.#wanted = this.push(piece);
      this.#stream.consumed(piece.length);
    }
    const { received, readableBytes } = this.#stream;
    if (received === undefined || readableBytes > 0 || this.#ended) return;
    this.#ended = true;
    if (received.type === "finished") this.push(null);
    else this.destroy(streamFailure(this.#stream));
  }

  #writable(): void {
    const callback = this.#waiting;
    const { sent, writable } = this.#stream;
    if (callback === undefined || (!writable && sent === undefined)) return;
    this.#waiting = undefined;
    callback(sent?.type === "reset" ? (streamFailure(this.#stream) ?? stopped()) : null);
  }

  #forgotten(): void {
    const failure = streamFailure(this.#stream);
    if (failure !== undefined && !this.destroyed) this.destroy(failure);
  }
}

function stopped(): HoldfastError {
  const message = "the other side reads no more of this stream";
  return new HoldfastError({ code: "stream_stopped", message, fault: "peer" });
}
