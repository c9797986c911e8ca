// Frames of a socket, one at a time, for as long as it speaks frames. It reads only while somebody waits for a
// frame, so a peer that talks too much fills its own buffers, and raw bytes that follow are there afterwards.
import type { Socket } from "@holdfast/net/node";
import { FrameDecoder } from "./frames.ts";

interface Waiter {
  readonly resolve: (frame: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export interface FrameStreamOptions {
  /** Bytes came. */
  readonly onBytes?: () => void;
}

export class FrameStream {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #onBytes: (() => void) | undefined;
  #waiter: Waiter | undefined;
  #failure: Error | undefined;
  #closed = false;

  constructor(socket: Socket, options: FrameStreamOptions = {}) {
    this.#socket = socket;
    this.#onBytes = options.onBytes;
    // Before the listener, which would set it flowing.
    socket.pause();
    socket.on("data", this.#data);
    socket.on("end", this.#end);
    socket.on("error", this.#error);
    socket.on("close", this.#close);
  }

  /** Whether a byte ever came. */
  get heard(): boolean {
    return this.#socket.bytesRead > 0;
  }

  /** Whether the last frame was complete; if not, the stream may have been cut within it. */
  get terminated(): boolean {
    return this.#decoder.terminated;
  }

  /**
   * The next frame, or `undefined` at the end of the stream. One call at a time.
   * @throws the socket's error, or HoldfastError `frame_too_long`.
   */
  next(): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#settle();
      if (this.#waiter !== undefined) this.#socket.resume();
    });
  }

  /** End the waiting `next()`, and every later one, with this error. The socket is left alone. */
  abort(error: Error): void {
    this.#error(error);
  }

  /** Give the socket back, paused, with the bytes that were read too far put back in front. */
  release(): void {
    this.detach();
    this.#socket.pause();
    const rest = this.#decoder.rest();
    if (rest.length > 0) this.#socket.unshift(rest);
  }

  /** Stop listening. Errors of the socket are swallowed from here on; its owner watches `close`. */
  detach(): void {
    this.#socket.off("data", this.#data);
    this.#socket.off("end", this.#end);
    this.#socket.off("close", this.#close);
  }

  readonly #data = (chunk: Uint8Array): void => {
    this.#decoder.push(chunk);
    this.#onBytes?.();
    this.#settle();
  };

  readonly #end = (): void => {
    this.#decoder.end();
    this.#closed = true;
    this.#settle();
  };

  readonly #error = (error: Error): void => {
    this.#failure ??= error;
    this.#settle();
  };

  readonly #close = (): void => {
    this.#closed = true;
    this.#settle();
  };

  #settle(): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    try {
      const frame = this.#decoder.next();
      if (frame !== undefined) return this.#answer(() => waiter.resolve(frame));
    } catch (error) {
      return this.#answer(() => waiter.reject(error));
    }
    const failure = this.#failure;
    if (failure !== undefined) this.#answer(() => waiter.reject(failure));
    else if (this.#closed) this.#answer(() => waiter.resolve(undefined));
  }

  #answer(settle: () => void): void {
    this.#waiter = undefined;
    this.#socket.pause();
    settle();
  }
}
