// What goes onto the link next: the rest of a cut frame before all else, then what is about the link, then the log,
// with datagrams in between.
import type { Instant } from "../ports.ts";
import type { InFlight } from "./in-flight.ts";
import type { LinkOutput } from "./link-output.ts";
import type { NoProgress } from "./no-progress.ts";
import type { Sender } from "./sender.ts";

export interface TransmitterParts {
  readonly sender: Sender;
  readonly output: LinkOutput;
  readonly inFlight: InFlight;
  readonly noProgress: NoProgress;
  /** The position that rides along with what is said about the link. */
  readonly rx: () => number;
}

export class Transmitter {
  /** A CLOSE to be answered, behind all that is due. */
  closeDue: Uint8Array | undefined;
  readonly #parts: TransmitterParts;
  // Bounded: the rest of a frame and CLOSE.
  #lastPieces: Uint8Array[] = [];
  #datagramsTurn = false;

  constructor(parts: TransmitterParts) {
    this.#parts = parts;
  }

  /** The next piece for a link that has `room`. */
  next(room: number, now: Instant): Uint8Array | undefined {
    const { sender, output, inFlight, rx } = this.#parts;
    const { log } = sender;
    if (log.cursor < log.owedUntil) return this.#hand(log.owedUntil, now);
    if (room <= 0) return undefined;
    if (!log.betweenFrames) return this.#hand(Infinity, now);
    // Before the next frame of the log, or a link that is always full would starve them for ever.
    if (output.due) return output.encode(rx(), now);
    if (this.closeDue !== undefined) return this.#takeClose();
    if (this.#datagramsTurn) {
      this.#datagramsTurn = false;
      const datagram = output.nextDatagram(log.cursor);
      if (datagram !== undefined) return datagram;
    }
    if (log.cursor === log.sent) {
      sender.make(room, now);
      if (log.cursor === log.sent && log.unacked < inFlight.limit) inFlight.ranDry(log.cursor);
    }
    if (log.cursor < log.sent && sender.mayHand) {
      this.#datagramsTurn = true;
      return this.#hand(Infinity, now);
    }
    return output.nextDatagram(log.cursor);
  }

  /** The session is over: the frame that is under way is finished, then comes CLOSE, and nothing more. */
  farewell(close: Uint8Array): void {
    const { log } = this.#parts.sender;
    while (!log.betweenFrames) {
      this.#lastPieces.push(log.next(log.cursor < log.owedUntil ? log.owedUntil : Infinity));
    }
    this.#lastPieces.push(close);
  }

  nextLast(): Uint8Array | undefined {
    return this.#lastPieces.shift();
  }

  /** The link is gone. */
  forgetLink(): void {
    this.closeDue = undefined;
    this.#lastPieces = [];
  }

  #takeClose(): Uint8Array | undefined {
    const close = this.closeDue;
    this.closeDue = undefined;
    return close;
  }

  #hand(until: number, now: Instant): Uint8Array {
    const { sender, inFlight, noProgress } = this.#parts;
    const piece = sender.log.next(until);
    inFlight.handed(sender.log.cursor, now);
    noProgress.handed(now);
    return piece;
  }
}
