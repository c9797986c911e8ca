// What one stream has to send: its queue, its credit, how it ends, and the control frames that wait for their turn as
// flags. A flag is turned into a frame at the last moment, and making one never clears another.
import type { StreamEnd } from "./stream.ts";
import { WriteQueue } from "./write-queue.ts";

/** What one who waits for an answer says at a time. */
export const SMALL_BYTES = 2_048;

export class SendingSide {
  readonly queue: WriteQueue = new WriteQueue();
  /** The offset up to which data may be sent. */
  credit: number;
  /** Bytes of data that went into frames. */
  bytesOut = 0;
  end: StreamEnd | undefined;
  /** FIN or RESET is in the log: nothing more will be made but CREDIT and STOP. */
  ended = false;
  /** A write was told to wait. */
  full = false;

  /** Not yet in the log; until it is, the other end knows nothing of this stream. */
  openDue = false;
  /** The position behind its OPEN. */
  openedAt = 0;
  creditDue = false;
  /** The code of a STOP or RESET that waits for its turn. */
  stopDue: number | undefined;
  resetDue: number | undefined;
  /** The RESET ends this side alone: the answer to a STOP. */
  resetsOneSide = false;

  /** What was said of late were small pieces, one after another: somebody may be waiting for an answer. */
  talks = false;
  /** The offset behind the last small piece that was all there was. */
  #smallAt = -Infinity;

  constructor(credit: number) {
    this.credit = credit;
  }

  /** FIN was asked for and follows what is queued. */
  get finDue(): boolean {
    return this.end?.type === "finished" && !this.ended;
  }

  /** There is data that may go, or the FIN behind all of it. */
  get canSend(): boolean {
    if (this.ended || this.openDue || this.resetDue !== undefined) return false;
    return this.queue.bytes > 0 ? this.bytesOut < this.credit : this.finDue;
  }

  /** A piece of data went out. Two small ones in a row that were all there was make a talk. */
  said(length: number): void {
    const isAll = length <= SMALL_BYTES && this.queue.bytes === 0;
    this.talks = isAll && this.bytesOut - this.#smallAt <= SMALL_BYTES;
    if (isAll) this.#smallAt = this.bytesOut;
  }

  get hasFlags(): boolean {
    return this.creditDue || this.stopDue !== undefined || this.resetDue !== undefined;
  }
}
