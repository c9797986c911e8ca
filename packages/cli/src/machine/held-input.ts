// What a person types while the connection is away: kept for the moment when it is back, up to a limit.

/** As much as a person types without looking. */
export const MOST_HELD_BYTES = 4_096;
const CTRL_C = 0x03;

export class HeldInput {
  /** At most `MOST_HELD_BYTES` together. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Ctrl-C drops what was typed before it. @returns how many bytes found no room. */
  add(typed: Uint8Array): number {
    const after = typed.lastIndexOf(CTRL_C) + 1;
    if (after > 0) this.take();
    const wanted = typed.subarray(after);
    const kept = wanted.subarray(0, MOST_HELD_BYTES - this.#bytes);
    if (kept.length > 0) this.#pieces.push(Buffer.from(kept));
    this.#bytes += kept.length;
    return wanted.length - kept.length;
  }

  /** All of it, in order; nothing is held any more. */
  take(): Buffer {
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return all;
  }
}
