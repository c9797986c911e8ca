// The framing of what comes from a script of ours: a length in four bytes, as many bytes. Pure.

const LENGTH_BYTES = 4;
const RESET = 0xffff_ffff;
/** The scripts read at most 64 KiB at once. */
const MOST_FRAME_BYTES = 1_024 * 1_024;

export type FrameMark = "end" | "reset";

export class Frames {
  readonly #length: Buffer = Buffer.alloc(LENGTH_BYTES);
  #lengthBytes = 0;
  #left = 0;

  /** @throws Error if a frame is longer than any can be. */
  push(chunk: Buffer, give: (bytes: Buffer) => void, mark: (mark: FrameMark) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const bytes = chunk.subarray(at, at + this.#left);
        at += bytes.length;
        this.#left -= bytes.length;
        give(bytes);
        continue;
      }
      const taken = chunk.copy(this.#length, this.#lengthBytes, at, at + LENGTH_BYTES - this.#lengthBytes);
      at += taken;
      this.#lengthBytes += taken;
      if (this.#lengthBytes === LENGTH_BYTES) this.#begin(mark);
    }
  }

  #begin(mark: (mark: FrameMark) => void): void {
    this.#lengthBytes = 0;
    const length = this.#length.readUInt32BE();
    if (length === 0) return mark("end");
    if (length === RESET) return mark("reset");
    if (length > MOST_FRAME_BYTES) throw new Error(`a frame of ${length} bytes`);
    this.#left = length;
  }
}
