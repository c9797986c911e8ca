// What a terminal of this machine shows, to its last byte. It owns the end of the library's socket: see `pty.ts`.
import { read } from "node:fs";
import { Readable } from "node:stream";
import type { Clock, Timer } from "@holdfast/core";
import type { Pty } from "./pty.ts";

/** Programs in the background may keep a terminal open after its shell: how long silence lasts until it is closed. */
const SILENCE_MS = 200;
const PIECE_BYTES = 65_536;
/** How often a program that has let go of its terminal is looked at. */
const LOOK_MS = 10;

export interface PtyOutputOptions {
  readonly pty: Pick<Pty, "socket" | "descriptor">;
  readonly clock: Clock;
  /** Called before the descriptor is closed; it is closed when `idle` is called. */
  readonly beforeClose: (idle: () => void) => void;
  /** The process has exited; its output may not have been read yet. */
  readonly onExited: () => void;
  readonly isRunning: () => boolean;
}

export class PtyOutput extends Readable {
  readonly #options: PtyOutputOptions;
  readonly #silence: Timer;
  readonly #closeSocket: () => void;
  /** The far end has closed: what the socket and the descriptor still have is all that will come. */
  #over = false;
  /** The process has exited, and others may still write. */
  #exited = false;
  /** All was read, and nobody has the far end. */
  #hungUp = false;
  /** Nobody listens any more: what comes is thrown away. */
  #deaf = false;
  #wanted = false;
  #reading = false;
  #closing = false;

  constructor(options: PtyOutputOptions) {
    super();
    this.#options = options;
    const { pty, clock } = options;
    const { socket } = pty;
    const destroy = socket.destroy.bind(socket);
    // Without an error: the library throws those that it does not expect.
    this.#closeSocket = () => void destroy();
    this.#silence = clock.timer(() => this.#quiet());
    socket.destroy = (error) => {
      this.#asked(error !== undefined || (socket.readableEnded && !this.#over));
      return socket;
    };
    socket.on("data", (piece: Buffer) => this.#came(piece));
    socket.once("close", () => void this.push(null));
    socket.pause();
  }

  /** Close the terminal now, whatever still comes. */
  closeNow(): void {
    this.#closing = true;
    this.#silence.clear();
    if (!this.#reading) this.#options.beforeClose(this.#closeSocket);
  }

  override _read(): void {
    this.#wanted = true;
    this.#options.pty.socket.resume();
    this.#finish();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // The program may still have something to say before it ends; it is not to wait for a reader.
    this.#deaf = true;
    this._read();
    callback(error);
  }

  #came(piece: Buffer): void {
    if (this.#closing) return;
    this.#take(piece);
    if (!this.#wanted) this.#options.pty.socket.pause();
    if (this.#exited) this.#silence.set(SILENCE_MS);
    this.#finish();
  }

  #take(piece: Buffer): void {
    this.#wanted = this.#deaf || this.push(piece);
  }

  /** The socket is to be destroyed: by its own end, or by the library some time after the exit. */
  #asked(over: boolean): void {
    if (over) {
      this.#over = true;
      return this.#finish();
    }
    this.#exited = true;
    this.#options.onExited();
    if (this.#hungUp) this.closeNow();
    else this.#silence.set(SILENCE_MS);
  }

  #quiet(): void {
    if (this.#hungUp) return this.#closeAfterExit();
    // While nobody takes what is there, silence says nothing.
    if (this.#wanted) this.closeNow();
    else this.#silence.set(SILENCE_MS);
  }

  /** libuv reports the end as soon as the far side has hung up, and leaves what it has not read in the descriptor. */
  #finish(): void {
    const { socket, descriptor } = this.#options.pty;
    const ready = this.#over && this.#wanted && socket.readableLength === 0;
    if (!ready || this.#reading || this.#closing || this.#hungUp) return;
    this.#reading = true;
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    read(descriptor, piece, 0, piece.length, null, (error, count) => {
      this.#reading = false;
      // After the last byte it is an error on Linux, and 0 elsewhere.
      if (this.#closing) return this.closeNow();
      if (error !== null || count === 0) return this.#closeAfterExit();
      this.#take(piece.subarray(0, count));
      this.#finish();
    });
  }

  /** Many programs close their outputs before they exit, and to close the terminal then would kill them. */
  #closeAfterExit(): void {
    this.#hungUp = true;
    if (this.#exited || !this.#options.isRunning()) return this.closeNow();
    this.#silence.set(LOOK_MS);
  }
}
