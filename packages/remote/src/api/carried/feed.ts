// What is written to a process or a tunnel: bounded, in order, and answered when it has been taken.
import type { Writable } from "node:stream";
import { HoldfastError } from "@holdfast/core";

type Settle = (failure?: HoldfastError) => void;

export class Feed {
  readonly #stream: Writable;
  readonly #most: number;
  readonly #what: string;
  /** Bytes that were written and not taken yet. */
  #waiting = 0;
  /** One for each write that was not taken yet: bounded by the requests under way. */
  readonly #writes = new Set<Settle>();

  constructor(stream: Writable, most: number, what: string) {
    this.#stream = stream;
    this.#most = most;
    this.#what = what;
    // Each write hears of its own failure.
    stream.on("error", () => undefined);
    // What is destroyed while it takes something may say nothing to the writer.
    stream.once("close", () => {
      for (const settle of this.#writes) settle(this.#broken());
    });
  }

  /**
   * Resolves when all of it was taken.
   * @throws HoldfastError `broken_pipe` if nobody takes it any more, `limit` if too much waits already.
   */
  async write(data: Uint8Array, end: boolean): Promise<void> {
    if (this.#stream.writableEnded || this.#stream.destroyed) throw this.#broken();
    if (this.#waiting > 0 && this.#waiting + data.length > this.#most) throw this.#full();
    const taken = data.length === 0 ? Promise.resolve() : this.#write(data);
    if (end) this.#stream.end();
    await taken;
  }

  /** Nothing more comes. */
  end(): void {
    if (!this.#stream.writableEnded && !this.#stream.destroyed) this.#stream.end();
  }

  #write(data: Uint8Array): Promise<void> {
    this.#waiting += data.length;
    return new Promise((resolve, reject) => {
      const settle: Settle = (failure) => {
        if (!this.#writes.delete(settle)) return;
        this.#waiting -= data.length;
        if (failure === undefined) resolve();
        else reject(failure);
      };
      this.#writes.add(settle);
      this.#stream.write(data, (error) =>
        settle(error === null || error === undefined ? undefined : this.#broken(error)),
      );
    });
  }

  #broken(cause?: unknown): HoldfastError {
    const message = `${this.#what} takes no more input`;
    return new HoldfastError({ code: "broken_pipe", message, kind: "fatal", fault: "peer", cause });
  }

  #full(): HoldfastError {
    const message = `${this.#waiting} bytes wait for ${this.#what} already`;
    const hint = "wait for the answers to what was written";
    return new HoldfastError({ code: "limit", message, hint, fault: "local" });
  }
}
