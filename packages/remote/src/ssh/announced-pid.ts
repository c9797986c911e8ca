// The process id that a started process announces on its first line of output, taken out of what others read.

/** What a login shell prints before it is passed on, unread, beyond this. */
const MOST_HELD_BYTES = 65_536;

export class AnnouncedPid {
  /** `undefined` if the output ended, or went on too long, without an announcement. */
  readonly pid: Promise<number | undefined>;
  readonly #token: Buffer;
  #settle: (pid: number | undefined) => void = () => undefined;
  /** Bounded by `MOST_HELD_BYTES` and one chunk. */
  #held: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(token: string) {
    this.#token = Buffer.from(`${token} `);
    this.pid = new Promise((resolve) => (this.#settle = resolve));
  }

  /** What of the output may be shown by now. */
  take(chunk: Buffer): Buffer {
    if (this.#over) return chunk;
    this.#held = Buffer.concat([this.#held, chunk]);
    const start = this.#held.indexOf(this.#token);
    const end = start === -1 ? -1 : this.#held.indexOf("\n", start);
    if (end !== -1) {
      // A terminal writes a carriage return before the newline.
      const text = this.#held.toString("latin1", start + this.#token.length, end).trim();
      const [before, after] = [this.#held.subarray(0, start), this.#held.subarray(end + 1)];
      return this.#finish(
        /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined,
        Buffer.concat([before, after]),
      );
    }
    return this.#held.length > MOST_HELD_BYTES ? this.flush() : Buffer.alloc(0);
  }

  /** The output has ended: what is held belongs to it. */
  flush(): Buffer {
    return this.#over ? Buffer.alloc(0) : this.#finish(undefined, this.#held);
  }

  #finish(pid: number | undefined, rest: Buffer): Buffer {
    this.#over = true;
    this.#held = Buffer.alloc(0);
    this.#settle(pid);
    return rest;
  }
}
