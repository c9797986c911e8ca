// What is typed into a terminal of this machine. Written to the descriptor directly: see `pty.ts`.
import { write } from "node:fs";
import { Writable } from "node:stream";
import type { Clock, Timer } from "@holdfast/core";

type Callback = (error?: Error | null) => void;

/** How soon a full terminal is tried again. */
const FULL_MS = 10;
/** What a person types to end the input: Ctrl-D. */
const END_OF_INPUT = Buffer.from([4]);

export class PtyInput extends Writable {
  readonly #descriptor: number;
  readonly #retry: Timer;
  #again: (() => void) | undefined = undefined;
  #writing = false;
  #closed = false;
  #idle: (() => void) | undefined = undefined;

  constructor(descriptor: number, clock: Clock) {
    super();
    this.#descriptor = descriptor;
    this.#retry = clock.timer(() => this.#again?.());
  }

  /** No write begins from now on, and `idle` is called when none runs: then the descriptor may be closed. */
  closeDescriptor(idle: () => void): void {
    this.#idle = idle;
    this.destroy();
    this.#stop();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: Callback): void {
    this.#put(Buffer.from(chunk as string, encoding), callback);
  }

  override _final(callback: Callback): void {
    this.#put(END_OF_INPUT, callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#stop();
    callback(error);
  }

  #put(bytes: Buffer, callback: Callback): void {
    // The terminal has gone: nobody reads this any more, which is what a person who types would find, too.
    if (this.#closed) return callback();
    this.#writing = true;
    write(this.#descriptor, bytes, 0, bytes.length, null, (error, written) => {
      this.#writing = false;
      if (this.#closed) this.#stop();
      const rest = bytes.subarray(error === null ? written : 0);
      if (error !== null && error.code !== "EAGAIN") return callback(error.code === "EIO" ? null : error);
      if (rest.length === 0) return callback();
      if (this.#closed) return callback();
      this.#again = () => this.#put(rest, callback);
      this.#retry.set(error === null ? 0 : FULL_MS);
    });
  }

  #stop(): void {
    this.#closed = true;
    this.#retry.clear();
    if (this.#writing) return;
    const idle = this.#idle;
    this.#idle = undefined;
    idle?.();
  }
}
