// Bytes of another machine on a stream of ours, all of them, as fast as they are taken and no faster.
import { describeSystemError } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { unblock } from "../terminal/unblock.ts";

/** The reader of a pipe, or the terminal, is gone. */
const READER_IS_GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "EIO"]);

export class ByteSink {
  readonly #stream: NodeJS.WriteStream;
  #failure: NodeJS.ErrnoException | undefined = undefined;
  /** Of whoever waits for room, or for the last byte: one at a time. */
  #wake: () => void = () => undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    unblock(stream);
    // A terminal that was stopped with Ctrl-S must not stop the rest of this process.
    if (stream.isTTY) setBlocking(stream, false);
    stream.on("error", (thrown: NodeJS.ErrnoException) => {
      this.#failure ??= thrown;
      this.#wake();
    });
    stream.on("drain", () => this.#wake());
  }

  /** Nobody reads this any more. */
  get readerIsGone(): boolean {
    return READER_IS_GONE.has(this.#failure?.code) && this.#failure !== undefined;
  }

  /** Why nothing more can be written, other than that nobody reads it. */
  get failure(): HoldfastError | undefined {
    if (this.#failure === undefined || this.readerIsGone) return undefined;
    const message = `cannot write the output: ${describeSystemError(this.#failure)}`;
    return new HoldfastError({ code: "cannot_write", message, fault: "local", cause: this.#failure });
  }

  /** Resolves when there is room for more. @returns `false` if nothing more can be written. */
  async write(bytes: Uint8Array | string): Promise<boolean> {
    if (this.#failure !== undefined) return false;
    if (!this.#stream.write(bytes)) await this.room();
    return this.#failure === undefined;
  }

  /** Resolves when there is room, whoever wrote. */
  async room(): Promise<void> {
    while (this.#failure === undefined && this.#stream.writableNeedDrain) await this.#change();
  }

  /** Resolves when the system has taken all, or takes no more. */
  async flushed(): Promise<void> {
    while (this.#failure === undefined && this.#stream.writableLength > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      // What is below the mark drains without an event.
      this.#stream.write("", (error) => {
        // The event comes later.
        this.#failure ??= error ?? undefined;
        resolve();
      });
    });
  }
}

/** Not documented, so used only where it is there. */
function setBlocking(stream: NodeJS.WriteStream, blocking: boolean): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?: (blocking: boolean) => unknown } };
  handle?.setBlocking?.(blocking);
}
