// What came for a stream and was not read: slices of the bytes of the link. A peer that sends a byte at a time would
// have each cost many times its length, so short slices are copied together once several wait; and so are, behind the
// first, those that would keep much more memory from being used again than they have bytes.
import { Fifo } from "./fifo.ts";

const GATHER_BELOW_BYTES = 1_024;
const GATHER_BYTES = 4_096;
const PIECES_BEFORE_GATHERING = 16;
/** A slice may keep so many times its length. */
const MOST_KEPT = 16;

export class ReadQueue {
  bytes = 0;
  // Bounded by the window: at most 16 short pieces, all others have about 1 KiB or more; none but the first keeps more
  // than 16 times its length.
  readonly #pieces: Fifo<Uint8Array> = new Fifo();
  #gathered: Uint8Array | undefined;
  #gatheredBytes = 0;

  /** Take `from` to `to` of the link's bytes. */
  push(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    this.bytes += length;
    const { length: waiting } = this.#pieces;
    const keepsMuch = waiting > 0 && length * MOST_KEPT < bytes.buffer.byteLength;
    if (length < GATHER_BELOW_BYTES && (keepsMuch || waiting >= PIECES_BEFORE_GATHERING)) {
      this.#gather(bytes, from, to);
      return;
    }
    this.#seal();
    this.#pieces.push(keepsMuch ? bytes.slice(from, to) : bytes.subarray(from, to));
  }

  shift(): Uint8Array | undefined {
    if (this.#pieces.length === 0) this.#seal();
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.bytes -= piece.length;
    return piece;
  }

  clear(): void {
    this.bytes = 0;
    this.#pieces.clear();
    this.#gathered = undefined;
  }

  #gather(bytes: Uint8Array, from: number, to: number): void {
    if (this.#gathered !== undefined && this.#gatheredBytes + to - from > GATHER_BYTES) this.#seal();
    if (this.#gathered === undefined) {
      this.#gathered = new Uint8Array(GATHER_BYTES);
      this.#gatheredBytes = 0;
    }
    this.#gathered.set(bytes.subarray(from, to), this.#gatheredBytes);
    this.#gatheredBytes += to - from;
  }

  #seal(): void {
    if (this.#gathered === undefined) return;
    this.#pieces.push(this.#gathered.subarray(0, this.#gatheredBytes));
    this.#gathered = undefined;
  }
}
