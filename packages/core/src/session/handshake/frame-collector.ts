// Cuts the bytes of a link into the frames of a handshake. Nobody has proved anything yet, so it keeps no more than one
// short frame, and takes no more bytes in all than one such frame may have.
import {
  HEADER_BYTES,
  IGNORABLE,
  LEAST_MAX_FRAME_BYTES,
  payloadBytesAt,
  SEQUENCED,
} from "../wire/frame-types.ts";
import { malformed } from "../wire/malformed.ts";

/** What a handshake takes for one answer, ignored frames included, in bytes. */
const BUDGET_BYTES = HEADER_BYTES + LEAST_MAX_FRAME_BYTES;

export class FrameCollector {
  #header = new Uint8Array(HEADER_BYTES);
  /** The frame that is being collected, once its header is complete. */
  #frame: Uint8Array | undefined;
  #filled = 0;
  #spent = 0;

  /**
   * Take bytes up to the end of one frame.
   * @returns how many were taken, and the frame if it is complete.
   * @throws HoldfastError `not_our_peer` for a frame that cannot be part of a handshake, and for too many bytes.
   */
  take(bytes: Uint8Array): { readonly taken: number; readonly frame: Uint8Array | undefined } {
    let taken = 0;
    for (;;) {
      taken += this.#fill(bytes.subarray(taken));
      if (this.#filled < (this.#frame ?? this.#header).length) return { taken, frame: undefined };
      if (this.#frame === undefined) {
        this.#begin();
        continue;
      }
      const frame = this.#frame;
      this.#frame = undefined;
      this.#filled = 0;
      if ((frame[0]! & IGNORABLE) === 0) {
        this.#spent = 0;
        return { taken, frame };
      }
    }
  }

  #fill(bytes: Uint8Array): number {
    const target = this.#frame ?? this.#header;
    const count = Math.min(bytes.length, target.length - this.#filled);
    target.set(bytes.subarray(0, count), this.#filled);
    this.#filled += count;
    this.#spent += count;
    return count;
  }

  /** The header is complete: look at it before anything is allocated. */
  #begin(): void {
    const type = this.#header[0]!;
    const payloadBytes = payloadBytesAt(this.#header, 0);
    if ((type & SEQUENCED) !== 0) throw malformed("a frame of a session before its handshake");
    if (this.#spent + payloadBytes > BUDGET_BYTES) {
      throw malformed(`more than ${BUDGET_BYTES} bytes where one frame of a handshake is due`);
    }
    this.#frame = new Uint8Array(HEADER_BYTES + payloadBytes);
    this.#frame.set(this.#header);
    this.#filled = HEADER_BYTES;
  }
}
