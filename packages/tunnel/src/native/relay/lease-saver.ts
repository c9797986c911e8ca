// Writes the file of leases, not oftener than needed: one write at a time, and one behind it for all that changed
// meanwhile. A write that fails is told, and tried again with the next change.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";

/** Changes of so long a time go into one write, in milliseconds. */
const GATHER_MS = 50;

export interface LeaseSaverOptions {
  readonly clock: Clock;
  /** The file's content as it is now. */
  readonly encode: () => string;
  readonly write: (text: string) => Promise<void>;
  readonly onWarning: (warning: HoldfastError) => void;
}

export class LeaseSaver {
  readonly #options: LeaseSaverOptions;
  readonly #timer: Timer;
  #changed = false;
  #writing: Promise<void> | undefined;

  constructor(options: LeaseSaverOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => void this.flush());
  }

  /** Something changed. */
  touch(): void {
    if (this.#changed) return;
    this.#changed = true;
    this.#timer.set(GATHER_MS);
  }

  /** Write what changed. Resolves when everything that had changed before the call is written, or has failed. */
  async flush(): Promise<void> {
    this.#timer.clear();
    while (this.#writing !== undefined) await this.#writing;
    if (!this.#changed) return;
    this.#changed = false;
    this.#writing = this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { encode, write, onWarning } = this.#options;
    try {
      await write(encode());
    } catch (error) {
      onWarning(HoldfastError.from(error));
    } finally {
      this.#writing = undefined;
    }
  }
}
