// Both outputs of an exec as streams, from the one that the engine sends. A reader that is slow with either stops the
// source, and so the process: nothing is kept beyond the high-water marks.
import { Readable, type Duplex } from "node:stream";
import { Demux, type Output } from "./demux.ts";

const HIGH_WATER_BYTES = 256 * 1_024;

export interface OutputsOptions {
  readonly source: Duplex;
  /** One raw output, without framing. */
  readonly terminal: boolean;
  /** A chunk came. */
  readonly heard: () => void;
  /** The source has ended: between two frames, or why it is broken. Called once, and never after `destroy`. */
  readonly onEnd: (broken: string | undefined) => void;
}

export class Outputs {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #options: OutputsOptions;
  readonly #demux = new Demux();
  /** At most two. */
  readonly #full = new Set<Output>();
  #over = false;

  constructor(options: OutputsOptions) {
    this.#options = options;
    this.stdout = this.#output("stdout");
    this.stderr = this.#output("stderr");
    if (options.terminal) this.stderr.push(null);
    const { source } = options;
    source.on("data", this.#onData);
    // An engine resets the stream of a process that ended without reading all of its input: a reset, which closes
    // without an end, says no more than an end does. Errors alone say only that writing failed.
    for (const over of ["end", "close"]) source.once(over, () => this.#end(undefined));
  }

  /** Both outputs have come whole. */
  finish(): void {
    this.stdout.push(null);
    if (!this.#options.terminal) this.stderr.push(null);
  }

  destroy(error: Error): void {
    this.#over = true;
    this.stdout.destroy(error);
    this.stderr.destroy(error);
  }

  #output(name: Output): Readable {
    const read = (): void => {
      this.#full.delete(name);
      if (this.#full.size === 0) this.#options.source.resume();
    };
    // A reader that wants no more must not stop the process's other output.
    const destroy = (error: Error | null, done: (error: Error | null) => void): void => {
      read();
      done(error);
    };
    // Whoever does not listen for errors hears of the loss by `ended`.
    return new Readable({ highWaterMark: HIGH_WATER_BYTES, read, destroy }).on("error", () => undefined);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#options.heard();
    if (this.#options.terminal) return this.#give("stdout", chunk);
    try {
      this.#demux.push(chunk, (output, bytes) => this.#give(output, bytes));
    } catch (error) {
      this.#end((error as Error).message);
      this.#options.source.destroy();
    }
  };

  #give(output: Output, bytes: Buffer): void {
    const stream = this[output];
    if (stream.destroyed || stream.push(bytes)) return;
    this.#full.add(output);
    this.#options.source.pause();
  }

  #end(broken: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const cut =
      this.#options.terminal || this.#demux.atBoundary ? broken : (broken ?? "it ended inside a frame");
    this.#options.onEnd(cut);
  }
}
