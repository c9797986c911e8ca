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
  /** One for each piece: whom to tell that its memory is free. */
  readonly #released: Fifo<(() => void) | undefined> = new Fifo();
  #offset = 0;
  /** The last piece, if it is one of ours with room in it. */
  #joint: Uint8Array | undefined;
  #jointUsed = 0;

  push(bytes: Uint8Array, released?: () => void): void {
    this.bytes += bytes.length;
    if (
      released === undefined &&
      bytes.length < JOIN_BELOW_BYTES &&
      this.#pieces.length >= PIECES_BEFORE_JOINING
    ) {
      this.#join(bytes);
      return;
    }
    this.#seal();
    this.#add(bytes, released);
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
      const to = this.#offset + length;
      left -= length;
      if (to < piece.length) {
        log.append(piece, this.#offset, to);
        this.#offset = to;
        return;
      }
      // The log lets go of what it has in order, so whoever waits for the last part waits for all of it.
      log.append(piece, this.#offset, to, this.#released.shift());
      this.#pieces.shift();
      this.#offset = 0;
    }
  }

  clear(): void {
    this.bytes = 0;
    this.#pieces.clear();
    this.#released.clear();
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
    this.#add(this.#joint.subarray(0, this.#jointUsed), undefined);
    this.#joint = undefined;
  }

  #add(piece: Uint8Array, released: (() => void) | undefined): void {
    this.#pieces.push(piece);
    this.#released.push(released);
  }
}
