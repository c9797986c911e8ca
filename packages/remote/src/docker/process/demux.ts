// The engine's framing of two outputs on one stream: a byte 1 (stdout) or 2 (stderr), three zeros, a length in four
// bytes, that many bytes. Pure: no stream here, and nothing is kept but an unfinished header.

export type Output = "stdout" | "stderr";

const HEADER_BYTES = 8;
/** Engines write at most 64 KiB at once; a frame beyond this is no frame. */
const MOST_FRAME_BYTES = 16 * 1_024 * 1_024;

export class Demux {
  readonly #header: Buffer = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #left = 0;
  #output: Output = "stdout";

  /** Whether the stream may end here. */
  get atBoundary(): boolean {
    return this.#headerBytes === 0 && this.#left === 0;
  }

  /** @throws Error if this is not the framing. */
  push(chunk: Buffer, give: (output: Output, bytes: Buffer) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) at = this.#readHeader(chunk, at);
      if (this.#left === 0) continue;
      const bytes = chunk.subarray(at, at + this.#left);
      if (bytes.length === 0) return;
      at += bytes.length;
      this.#left -= bytes.length;
      give(this.#output, bytes);
    }
  }

  #readHeader(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes);
    this.#headerBytes += taken;
    if (this.#headerBytes < HEADER_BYTES) return at + taken;
    this.#headerBytes = 0;
    const type = this.#header[0];
    if (type !== 1 && type !== 2) throw new Error(`an output numbered ${type}`);
    this.#output = type === 1 ? "stdout" : "stderr";
    this.#left = this.#header.readUInt32BE(4);
    if (this.#left > MOST_FRAME_BYTES) throw new Error(`a frame of ${this.#left} bytes`);
    return at + taken;
  }
}
