// One direction of a proxied connection: reads, does to the bytes what the faults say, and writes.
import type { Socket } from "node:net";
import { onOrderlyEnd } from "../node/orderly-end.ts";
import type { Fault } from "./fault.ts";

/** Delayed bytes wait in the proxy; above this nothing more is read. */
const MAX_DELAYED_BYTES = 1_048_576;

/** Throttled bytes wait with the sender rather than here. */
const MAX_THROTTLED_BYTES = 65_536;

/** A throttled chunk is cut into pieces of this duration, so that it trickles. */
const TRICKLE_MS = 20;

interface Held {
  readonly at: number;
  readonly what: Buffer | "end";
}

/** A point in the stream, and what happens there. */
interface Trigger {
  readonly at: number;
  readonly strike: () => void;
}

export class FaultyWay {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #held: Held[] = [];
  readonly #triggers: Trigger[] = [];
  #heldBytes = 0;
  #receivedBytes = 0;
  #lostBytes = 0;
  #mode: "pass" | "stop" | "swallow" = "pass";
  #delayMs = 0;
  #bytesPerMs = Infinity;
  #dropAbove = Infinity;
  #stallAbove = Infinity;
  #corruptNext = false;
  #freeAt = 0;
  #started = false;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
  }

  /** Begin to read. Faults on accept are in place by then. */
  start(): void {
    this.#started = true;
    this.#from.on("data", (chunk: Buffer) => this.#receive(chunk));
    onOrderlyEnd(this.#from, () => this.#hold("end"));
    this.#to.on("drain", () => this.#flow());
    this.#flow();
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** What the system has taken for the other side. */
  get forwardedBytes(): number {
    return this.#to.bytesWritten - this.#to.writableLength;
  }

  /** Thrown away by faults. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  /** Received and neither forwarded nor thrown away. */
  get inFlightBytes(): number {
    return this.#receivedBytes - this.#lostBytes - this.forwardedBytes;
  }

  /** Neither bytes nor an end or a reset may pass. */
  get blocked(): boolean {
    return this.#mode !== "pass";
  }

  /** Call `strike` when exactly this many bytes have been let through to here. */
  at(bytes: number, strike: () => void): void {
    this.#triggers.push({ at: bytes, strike });
    this.#triggers.sort((a, b) => a.at - b.at);
    this.#strikeDue();
  }

  apply(fault: Fault): void {
    if (fault.kind === "half_open") this.#mode = "stop";
    if (fault.kind === "black_hole") this.#mode = "swallow";
    if (fault.kind === "delay") this.#delayMs = fault.ms;
    if (fault.kind === "throttle") this.#bytesPerMs = fault.bytesPerSecond / 1_000;
    if (fault.kind === "corrupt") this.#corruptNext = true;
    if (fault.kind === "drop_above") this.#dropAbove = fault.bytes;
    if (fault.kind === "stall_above") this.#stallAbove = fault.bytes;
    if (this.#mode === "swallow") this.#loseHeld();
    this.#flow();
  }

  heal(): void {
    this.#mode = "pass";
    this.#delayMs = 0;
    this.#bytesPerMs = Infinity;
    this.#dropAbove = Infinity;
    this.#stallAbove = Infinity;
    this.#corruptNext = false;
    this.#freeAt = 0;
    for (const [i, held] of this.#held.entries()) this.#held[i] = { ...held, at: 0 };
    this.#flow();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  /** Cut at each trigger, so that it strikes at its byte and not at the end of a chunk. */
  #receive(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0;) {
      const upTo = this.#triggers[0]?.at ?? Infinity;
      const piece = rest.subarray(0, Math.max(1, upTo - this.#receivedBytes));
      rest = rest.subarray(piece.length);
      this.#receivedBytes += piece.length;
      this.#treat(piece);
      this.#strikeDue();
      if (this.#from.destroyed) return;
    }
    this.#flow();
  }

  #strikeDue(): void {
    while ((this.#triggers[0]?.at ?? Infinity) <= this.#receivedBytes) this.#triggers.shift()?.strike();
  }

  #treat(piece: Buffer): void {
    if (piece.length > this.#stallAbove) this.#mode = "stop";
    if (this.#mode === "swallow" || piece.length > this.#dropAbove) {
      this.#lostBytes += piece.length;
      return;
    }
    this.#hold(this.#corruptNext ? this.#corrupted(piece) : piece);
  }

  #corrupted(piece: Buffer): Buffer {
    this.#corruptNext = false;
    const copy = Buffer.from(piece);
    copy[0] = (copy[0] ?? 0) ^ 0xff;
    return copy;
  }

  #hold(what: Buffer | "end"): void {
    if (what === "end" || this.#bytesPerMs === Infinity) {
      this.#push(what, 0);
    } else {
      const size = Math.max(1, Math.floor(this.#bytesPerMs * TRICKLE_MS));
      for (let i = 0; i < what.length; i += size) {
        const piece = what.subarray(i, i + size);
        this.#push(piece, piece.length / this.#bytesPerMs);
      }
    }
    this.#flow();
  }

  #push(what: Buffer | "end", takesMs: number): void {
    this.#freeAt = Math.max(performance.now() + this.#delayMs, this.#freeAt) + takesMs;
    this.#held.push({ at: this.#freeAt, what });
    if (what !== "end") this.#heldBytes += what.length;
  }

  #loseHeld(): void {
    for (const { what } of this.#held.splice(0)) if (what !== "end") this.#lostBytes += what.length;
    this.#heldBytes = 0;
  }

  /** Write what is due, and read if there is room for more. */
  #flow(): void {
    if (!this.#started) return;
    clearTimeout(this.#timer);
    while (this.#mode === "pass" && !this.#to.destroyed) {
      const next = this.#held[0];
      if (next === undefined) break;
      const waitMs = next.at - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#flow(), waitMs);
        break;
      }
      this.#held.shift();
      if (next.what === "end") {
        this.#to.end();
        continue;
      }
      this.#heldBytes -= next.what.length;
      this.#to.write(next.what);
      if (this.#to.writableNeedDrain) break;
    }
    const maxBytes = this.#bytesPerMs === Infinity ? MAX_DELAYED_BYTES : MAX_THROTTLED_BYTES;
    const full = this.#heldBytes >= maxBytes || (this.#mode === "pass" && this.#to.writableNeedDrain);
    if (full || this.#mode === "stop") this.#from.pause();
    else this.#from.resume();
  }
}
