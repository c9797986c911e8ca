// What a terminal of this machine shows, to its last byte. It owns the end of the library's socket: see `pty.ts`.
import { Readable } from "node:stream";
import type { ReadStream } from "node:tty";
import type { Clock, Timer } from "@holdfast/core";

/** Programs in the background may keep a terminal open after its shell: how long silence lasts until it is closed. */
const SILENCE_MS = 200;

export interface PtyOutputOptions {
  readonly socket: ReadStream;
  readonly clock: Clock;
  /** Called before the descriptor is closed; it is closed when `idle` is called. */
  readonly beforeClose: (idle: () => void) => void;
}

export class PtyOutput extends Readable {
  readonly #options: PtyOutputOptions;
  readonly #silence: Timer;
  readonly #close: (error?: Error) => void;
  /** The far end has closed: what the socket still has is all that will come. */
  #over: { readonly error: Error | undefined } | undefined = undefined;
  /** The process has exited, and others may still write. */
  #exited = false;
  #wanted = false;
  #closing = false;

  constructor(options: PtyOutputOptions) {
    super();
    this.#options = options;
    const { socket, clock } = options;
    const destroy = socket.destroy.bind(socket);
    this.#close = (error) => void destroy(error);
    this.#silence = clock.timer(() => this.#quiet());
    socket.destroy = (error) => {
      this.#asked(error);
      return socket;
    };
    socket.on("data", (piece: Buffer) => this.#came(piece));
    socket.once("close", () => void this.push(null));
    socket.pause();
  }

  /** Close the terminal now, whatever still comes. */
  closeNow(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#silence.clear();
    const { beforeClose } = this.#options;
    beforeClose(() => this.#close(this.#over?.error));
  }

  override _read(): void {
    this.#wanted = true;
    this.#options.socket.resume();
    this.#finish();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.closeNow();
    callback(error);
  }

  #came(piece: Buffer): void {
    if (this.#closing) return;
    this.#wanted = this.push(piece);
    if (!this.#wanted) this.#options.socket.pause();
    if (this.#exited) this.#silence.set(SILENCE_MS);
    this.#finish();
  }

  /** The socket is to be destroyed: by its own end, which is an error on Linux, or by the library after the exit. */
  #asked(error: Error | undefined): void {
    if (error !== undefined || this.#options.socket.readableEnded) {
      this.#over ??= { error };
      return this.#finish();
    }
    this.#exited = true;
    this.#silence.set(SILENCE_MS);
  }

  #quiet(): void {
    // While nobody takes what is there, silence says nothing.
    if (this.#wanted) this.closeNow();
    else this.#silence.set(SILENCE_MS);
  }

  #finish(): void {
    if (this.#over !== undefined && this.#options.socket.readableLength === 0) this.closeNow();
  }
}
