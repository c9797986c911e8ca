// Writes a file that changes while its program runs, not oftener than needed: one write at a time, and one behind it
// for all that changed meanwhile. A write that fails is told, and tried again with the next change.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";

/** Changes of so long a time go into one write, in milliseconds. */
const GATHER_MS = 50;

/** What is written, where, and who hears of failures. */
export interface FileSaverOptions {
  readonly clock: Clock;
  /** The file's content as it is now. */
  readonly encode: () => string;
  /** Put it on disk, as by `writeFileAtomically`. */
  readonly write: (text: string) => Promise<void>;
  /** A write failed. */
  readonly onWarning: (warning: HoldfastError) => void;
}

/** Keeps one file up to date. */
export class FileSaver {
  readonly #options: FileSaverOptions;
  readonly #timer: Timer;
  #changed = false;
  #writing: Promise<void> | undefined;
  /** One for each that waits for the next write: bounded by what changes at the same time. */
  #waiting: (() => void)[] = [];

  constructor(options: FileSaverOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => this.#start());
  }

  /** Something changed. */
  touch(): void {
    if (this.#changed) return;
    this.#changed = true;
    if (this.#writing === undefined) this.#timer.set(GATHER_MS);
  }

  /** Write what changed. Resolves when everything that had changed before the call is written, or has failed. */
  flush(): Promise<void> {
    if (!this.#changed) return this.#writing ?? Promise.resolve();
    const written = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#start();
    return written;
  }

  /** One write at a time: what comes meanwhile is in the next one, and waits for no other. */
  #start(): void {
    if (this.#writing !== undefined || !this.#changed) return;
    this.#timer.clear();
    this.#changed = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#writing = this.#write().then(() => {
      this.#writing = undefined;
      for (const resolve of waiting) resolve();
      this.#start();
    });
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    const { encode, write, onWarning } = this.#options;
    try {
      await write(encode());
    } catch (error) {
      onWarning(HoldfastError.from(error));
    }
  }
}
