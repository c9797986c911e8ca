// How much one link to this machine may have open.
import { HoldfastError } from "@holdfast/core";

export interface HostLimits {
  /** Processes at once. Default 256. */
  readonly processes: number;
  /** Connections at once, those that come to its ports included. Default 1,024. */
  readonly connections: number;
  /** Ports that it listens on at once. Default 64. */
  readonly listeners: number;
  /** Bytes of a file that are read without a range, and of a range. Default 64 MiB. */
  readonly readBytes: number;
  /** Entries of a directory that are listed. Default 1,000,000. */
  readonly listedFiles: number;
}

export const HOST_LIMITS: HostLimits = {
  processes: 256,
  connections: 1_024,
  listeners: 64,
  readBytes: 67_108_864,
  listedFiles: 1_000_000,
};

/** Counts what is open of one kind. */
export class Places {
  readonly #what: string;
  readonly #most: number;
  #taken = 0;

  constructor(what: string, most: number) {
    this.#what = what;
    this.#most = most;
  }

  /**
   * Take a place; returns how to give it back, which counts once.
   * @throws HoldfastError `too_many`: transient.
   */
  take(): () => void {
    if (this.#taken >= this.#most) {
      const message = `this link has ${this.#most} ${this.#what} open, the most that it may`;
      throw new HoldfastError({
        code: "too_many",
        message,
        fault: "local",
        hint: "close some of them first",
      });
    }
    this.#taken += 1;
    let given = false;
    return () => {
      if (!given) this.#taken -= 1;
      given = true;
    };
  }
}
