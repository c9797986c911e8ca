// The frames that were made and are not acknowledged: one sequence of bytes, kept as pieces that are handed to the
// link as they are. Small frames are written one behind the other into slabs, so that many of them leave as one
// piece; large payloads are kept by reference. `acked <= cursor <= sent` always.
import { Fifo } from "./fifo.ts";
import { HEADER_BYTES, payloadBytesAt, putHeader } from "./wire/frame-types.ts";

/** A payload, or a chunk of one, that is shorter is copied; the rest is referred to. */
const COPY_BELOW_BYTES = 2_048;

/** Slabs start small, because most sessions say little, and double. */
const LEAST_SLAB_BYTES = 4_096;
const MOST_SLAB_BYTES = 65_536;

/** A piece of small frames does not grow beyond this, so that acknowledgements can pass between two of them. */
const PIECE_BYTES = 16_384;

interface Piece {
  readonly bytes: Uint8Array;
  readonly start: number;
  end: number;
  /** Where the frame ends that the piece begins in; its own position if it begins with a header. */
  readonly frameEnd: number;
  /** Its last frame ends with it. */
  whole: boolean;
  /** Whom to tell that the write that ends with it is with the peer, and its memory free. */
  readonly released: (() => void) | undefined;
}

export class ReplayLog {
  /** The lowest position that the peer may still ask for. */
  acked = 0;
  /** The next position to hand to the link. */
  cursor = 0;
  /** The end of what was made. */
  sent = 0;
  /** The end of the last frame whose loss would matter: anything but CREDIT and STOP. */
  weightyEnd = 0;
  /** What was handed over ends with a frame: something unsequenced may follow. */
  betweenFrames = true;
  /** Up to here the rest of a frame must be sent before anything else; at or below the cursor: nothing is owed. */
  owedUntil = 0;
  /** The memory that `reserve` and `begin` write into. */
  slab: Uint8Array = new Uint8Array(0);

  // Bounded by S + 64 KiB and a frame of bytes, a piece being 8 bytes or more.
  readonly #pieces: Fifo<Piece> = new Fifo();
  /** The position of the first piece. */
  #base = 0;
  /** The piece that the cursor is in, counted from the first, and the bytes of it that were handed over. */
  #index = 0;
  #offset = 0;
  /** The last piece, as long as small frames may be added to it. */
  #tail: Piece | undefined;
  #used = 0;
  #frameEnd = 0;

  get unacked(): number {
    return this.sent - this.acked;
  }

  get inFlight(): number {
    return this.cursor - this.acked;
  }

  /** Make a frame whose payload the caller writes into `slab`. @returns where. At most 4 KiB of payload. */
  reserve(type: number, payloadBytes: number, streamId: number): number {
    const size = HEADER_BYTES + payloadBytes;
    this.#makeRoom(size);
    const at = this.#used;
    putHeader(this.slab, at, type, payloadBytes, streamId);
    this.#frameEnd = this.sent + size;
    this.#extend(size, true);
    return at + HEADER_BYTES;
  }

  /** Begin a frame whose payload follows by `append`, all of it before anything else is made. */
  begin(type: number, payloadBytes: number, streamId: number): void {
    this.#makeRoom(HEADER_BYTES + Math.min(payloadBytes, COPY_BELOW_BYTES));
    putHeader(this.slab, this.#used, type, payloadBytes, streamId);
    this.#frameEnd = this.sent + HEADER_BYTES + payloadBytes;
    this.#extend(HEADER_BYTES, true);
  }

  /** More of the payload of the frame that was begun. `released` is called when the peer has it. */
  append(bytes: Uint8Array, from: number, to: number, released?: () => void): void {
    const length = to - from;
    if (length >= COPY_BELOW_BYTES || released !== undefined) {
      this.#refer(bytes, from, to, released);
      return;
    }
    this.#makeRoom(length);
    if (length < 64) {
      // A loop is quicker than making a view for `set`.
      for (let i = 0; i < length; i++) this.slab[this.#used + i] = bytes[from + i]!;
    } else {
      this.slab.set(bytes.subarray(from, to), this.#used);
    }
    this.#extend(length, false);
  }

  /** Everything below is with the peer. The caller has checked that `acked <= position <= sent`. */
  trim(position: number): void {
    this.acked = position;
    for (let first = this.#pieces.peek(); first !== undefined; first = this.#pieces.peek()) {
      const length = first.end - first.start;
      if (this.#base + length > position) return;
      if (first === this.#tail) this.#tail = undefined;
      this.#pieces.shift();
      this.#base += length;
      first.released?.();
      if (this.#index > 0) this.#index -= 1;
      else this.#offset = 0;
    }
  }

  /** Go on from `position`, to which the log has been trimmed. */
  seek(position: number): void {
    this.cursor = position;
    this.#index = 0;
    this.#offset = position - this.#base;
    this.owedUntil = this.#frameEndAround(position);
    this.betweenFrames = this.owedUntil <= position;
  }

  /** The next bytes for the link; there must be some. Not beyond `until`. */
  next(until: number): Uint8Array {
    const piece = this.#pieces.at(this.#index)!;
    const from = piece.start + this.#offset;
    const rest = piece.end - from;
    if (this.cursor + rest > until) {
      const length = until - this.cursor;
      this.cursor = until;
      this.#offset += length;
      this.betweenFrames = true;
      return piece.bytes.subarray(from, from + length);
    }
    this.cursor += rest;
    this.betweenFrames = piece.whole;
    this.#index += 1;
    this.#offset = 0;
    // What was handed over must not grow: the cursor is behind it.
    if (piece === this.#tail) this.#tail = undefined;
    return from === 0 && piece.end === piece.bytes.length
      ? piece.bytes
      : piece.bytes.subarray(from, piece.end);
  }

  /** Nothing will be sent again. */
  clear(): void {
    this.#pieces.clear();
    this.#tail = undefined;
    this.slab = new Uint8Array(0);
    this.#used = 0;
    this.acked = this.sent;
    this.cursor = this.sent;
    this.#base = this.sent;
    this.owedUntil = 0;
    this.#index = 0;
    this.#offset = 0;
  }

  /** The end of the frame that `position`, in the first piece, lies inside of; `position` itself between two frames. */
  #frameEndAround(position: number): number {
    const first = this.#pieces.peek();
    if (first === undefined) return position;
    let end = first.frameEnd;
    while (end < position) {
      end += HEADER_BYTES + payloadBytesAt(first.bytes, first.start + end - this.#base);
    }
    return end;
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.slab.length) return;
    let size = Math.min(MOST_SLAB_BYTES, Math.max(LEAST_SLAB_BYTES, 2 * this.slab.length));
    while (size < bytes) size *= 2;
    this.slab = new Uint8Array(size);
    this.#used = 0;
    this.#tail = undefined;
  }

  #extend(length: number, beginsFrame: boolean): void {
    let piece = this.#tail;
    if (piece === undefined || (beginsFrame && piece.end - piece.start >= PIECE_BYTES)) {
      piece = {
        bytes: this.slab,
        start: this.#used,
        end: this.#used,
        frameEnd: beginsFrame ? this.sent : this.#frameEnd,
        whole: false,
        released: undefined,
      };
      this.#pieces.push(piece);
      this.#tail = piece;
    }
    this.#used += length;
    piece.end = this.#used;
    this.sent += length;
    piece.whole = this.sent === this.#frameEnd;
  }

  #refer(bytes: Uint8Array, start: number, end: number, released: (() => void) | undefined): void {
    this.sent += end - start;
    const whole = this.sent === this.#frameEnd;
    this.#pieces.push({ bytes, start, end, frameEnd: this.#frameEnd, whole, released });
    this.#tail = undefined;
  }
}
