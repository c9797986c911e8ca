// One direction of a simulated byte link: bytes wait in the sending process, then in its kernel, travel in segments
// and arrive in order, cut anew into pieces of any size; or they do not arrive, and nobody is told.
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import { Fifo } from "./fifo.ts";

export interface ByteWayTraits {
  readonly latencyMs: number;
  /** Added to the latency, drawn for each segment; order is kept. */
  readonly jitterMs: number;
  /** `Infinity` for no limit. */
  readonly bytesPerMs: number;
  /** The longest piece that arrives at once. */
  readonly mtu: number;
  /** The longest run of bytes that travels together. */
  readonly segmentBytes: number;
  /** What the system takes from the process before the far end has it. */
  readonly kernelBytes: number;
  /** A longer segment and all behind it never arrive; the other direction goes on. */
  readonly dropAbove: number;
  /** The link is cut when the byte of this number arrives. */
  readonly cutAtByte: number;
}

/** Two things at one instant come in an order that is drawn; segments must not. */
const ORDER_MS = 1e-6;

interface Segment {
  /** Of the last one before a cut only a part may arrive. */
  bytes: Uint8Array;
  last: boolean;
}

export class ByteWay {
  /** A path that swallows: what is under way and what comes later does not arrive. */
  black = false;
  /** The sending end is gone: what is under way still arrives. */
  closed = false;
  /** Handed over by the process and not taken by the system. */
  queuedBytes = 0;
  arrivedBytes = 0;
  /** Something that never arrives was sent, or swallowed. */
  swallowed = false;
  onArrive: (piece: Uint8Array) => void = () => undefined;
  onTaken: () => void = () => undefined;
  onCut: () => void = () => undefined;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #traits: ByteWayTraits;
  readonly #queue: Fifo<Uint8Array> = new Fifo();
  readonly #flying: Fifo<Segment> = new Fifo();
  #kernelBytes = 0;
  #freeAt = 0;
  #lastArrival = 0;
  #held = false;
  readonly #heldPieces: Fifo<Uint8Array> = new Fifo();

  constructor(world: World, dice: Dice, traits: ByteWayTraits) {
    this.#world = world;
    this.#dice = dice;
    this.#traits = traits;
  }

  write(bytes: Uint8Array): void {
    if (this.closed || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.queuedBytes += bytes.length;
    this.#take();
  }

  /** When all that is under way will have arrived. */
  get emptyAt(): number {
    return Math.max(this.#lastArrival, this.#world.now);
  }

  /** The sending process drops what the system has not taken. */
  close(): void {
    this.closed = true;
    this.#queue.truncate(0);
    this.queuedBytes = 0;
  }

  /** Nothing more arrives, except perhaps a piece of what was under way. */
  sever(): void {
    const next = this.#flying.first;
    const part = !this.black && next !== undefined && this.#dice.chance(0.5);
    this.closed = true;
    this.#flying.truncate(part ? 1 : 0);
    if (!part) {
      this.black = true;
      return;
    }
    next.bytes = next.bytes.subarray(0, this.#dice.whole(1, next.bytes.length));
    next.last = true;
  }

  /** The receiving end reads nothing for a while. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) return;
    while (!this.#held && this.#heldPieces.length > 0) this.onArrive(this.#heldPieces.shift()!);
  }

  /** Segments leave as long as the system has room. */
  #take(): void {
    let taken = false;
    while (this.#queue.length > 0 && this.#kernelBytes < this.#traits.kernelBytes) {
      this.#fly(
        this.#collect(Math.min(this.#traits.segmentBytes, this.#traits.kernelBytes - this.#kernelBytes)),
      );
      taken = true;
    }
    if (taken) this.onTaken();
  }

  #collect(room: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(room, this.queuedBytes));
    let filled = 0;
    while (filled < bytes.length) {
      const first = this.#queue.first!;
      const part = first.subarray(0, bytes.length - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#queue.shift();
      else this.#queue.replaceFirst(first.subarray(part.length));
    }
    this.queuedBytes -= bytes.length;
    return bytes;
  }

  #fly(bytes: Uint8Array): void {
    const { latencyMs, jitterMs, bytesPerMs, dropAbove } = this.#traits;
    this.#kernelBytes += bytes.length;
    if (bytes.length > dropAbove) this.black = true;
    if (this.black) {
      this.swallowed = true;
      return;
    }
    this.#freeAt = Math.max(this.#freeAt, this.#world.now) + bytes.length / bytesPerMs;
    const arrival = this.#freeAt + latencyMs + jitterMs * this.#dice.random();
    this.#lastArrival = Math.max(this.#lastArrival + ORDER_MS, arrival);
    const segment = { bytes, last: false };
    this.#flying.push(segment);
    this.#world.at(this.#lastArrival, () => this.#land(segment));
  }

  #land(segment: Segment): void {
    if (this.#flying.first !== segment) return;
    if (this.black) {
      this.swallowed = true;
      return;
    }
    this.#flying.shift();
    this.#kernelBytes -= segment.bytes.length;
    const { cutAtByte } = this.#traits;
    if (this.arrivedBytes + segment.bytes.length >= cutAtByte) {
      this.#deliver(segment.bytes.subarray(0, cutAtByte - this.arrivedBytes));
      this.black = true;
      this.onCut();
      return;
    }
    if (segment.last) this.black = true;
    this.#deliver(segment.bytes);
    if (!this.closed) this.#take();
  }

  #deliver(bytes: Uint8Array): void {
    const { mtu } = this.#traits;
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + (mtu === 1 ? 1 : this.#dice.whole(1, mtu)));
      const piece = bytes.subarray(at, end);
      this.arrivedBytes += piece.length;
      if (this.#held) this.#heldPieces.push(piece);
      else this.onArrive(piece);
      at = end;
    }
  }
}
