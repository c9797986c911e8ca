// What was written to a stream and is not yet in a frame, by reference.
import { Fifo } from "./fifo.ts";
import type { ReplayLog } from "./replay-log.ts";

/** Writes that are this short are joined while they wait, so that many of them do not make a long list. */
const JOIN_BELOW_BYTES = 256;
const JOIN_BYTES = 2_048;
const PIECES_BEFORE_JOINING = 64;

export class WriteQueue {
  bytes = 0;
  // Bounded by the queue's limit in bytes: when it is long, short writes are joined into pieces of about 2 KiB.
  readonly #pieces: Fifo<Uint8Array> = new Fifo();
  #offset = 0;
  /** The last piece, if it is one of ours with room in it. */
  #joint: Uint8Array | undefined;
  #jointUsed = 0;

  push(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    if (bytes.length < JOIN_BELOW_BYTES && this.#pieces.length >= PIECES_BEFORE_JOINING) {
      this.#join(bytes);
      return;
    }
    this.#seal();
    this.#pieces.push(bytes);
  }

  /** Move the first `bytes` into the frame that was begun. */
  moveTo(log: ReplayLog, bytes: number): void {
    this.bytes -= bytes;
    let left = bytes;
    while (left > 0) {
      let piece = this.#pieces.peek();
      if (piece === undefined) {
        this.#seal();
        piece = this.#pieces.peek()!;
      }
      const length = Math.min(left, piece.length - this.#offset);
      log.append(piece, this.#offset, this.#offset + length);
      left -= length;
      this.#offset += length;
      if (this.#offset < piece.length) return;
      this.#pieces.shift();
      this.#offset = 0;
    }
  }

  clear(): void {
    this.bytes = 0;
    this.#pieces.clear();
    this.#offset = 0;
    this.#joint = undefined;
  }

  #join(bytes: Uint8Array): void {
    if (this.#joint !== undefined && this.#jointUsed + bytes.length > JOIN_BYTES) this.#seal();
    if (this.#joint === undefined) {
      this.#joint = new Uint8Array(JOIN_BYTES);
      this.#jointUsed = 0;
    }
    this.#joint.set(bytes, this.#jointUsed);
    this.#jointUsed += bytes.length;
  }

  #seal(): void {
    if (this.#joint === undefined) return;
    this.#pieces.push(this.#joint.subarray(0, this.#jointUsed));
    this.#joint = undefined;
  }
}
