// What is said next. Nothing becomes a frame before there is room for it on the link: until then writes wait in the
// queues of their streams and everything else as flags, so that control goes first, streams take turns, and a
// keystroke does not wait behind what was written before it elsewhere.
import type { Instant } from "../ports.ts";
import type { Budget } from "./budget.ts";
import { Fifo } from "./fifo.ts";
import type { InFlight } from "./in-flight.ts";
import type { SessionLimits } from "./limits.ts";
import { ReplayLog } from "./replay-log.ts";
import { SMALL_BYTES } from "./sending-side.ts";
import type { Stream } from "./stream-state.ts";
import type { StreamTable } from "./stream-table.ts";
import { FRAME } from "./wire/frame-types.ts";
import { putUint16, putUint32, putUint64 } from "./wire/integers.ts";

/** Control frames may go beyond the replay bound by so much; and so may a log that is sent again, of what is in flight. */
const HEADROOM_BYTES = 65_536;

/** The replay bound when the memory of the process is spent. */
const LEAST_REPLAY_BYTES = 65_536;

/** So much is made at a time, small frames together. */
const BATCH_BYTES = 16_384;

const LEAST_FRAME_BYTES = 4_096;

/** A turn on a quick path may be longer than a slice, as long as it takes no more time than this. */
const TURN_MS = 0.25;

/** The turn of a stream that is the only one to send: another may begin at any time. */
const LONE_TURN_BYTES = 65_536;

export interface SenderParts {
  readonly limits: SessionLimits;
  readonly table: StreamTable;
  readonly budget: Budget;
  readonly inFlight: InFlight;
  readonly settle: (stream: Stream) => void;
}

export class Sender {
  readonly log: ReplayLog = new ReplayLog();
  /** A GOAWAY that waits for its turn. */
  goAwayDue: { readonly code: number; readonly drainMs: number } | undefined;
  /** The peer's largest frame. */
  maxFrameBytes: number = LEAST_FRAME_BYTES;
  readonly #parts: SenderParts;
  // At most one for each stream, in the order of their ids.
  readonly #opens = new Set<Stream>();
  // At most one for each stream.
  readonly #control: Fifo<Stream> = new Fifo();
  // At most one for each stream; those that talk in small pieces have a line of their own.
  readonly #data: Fifo<Stream> = new Fifo();
  readonly #talk: Fifo<Stream> = new Fifo();
  /** Whoever talks had the last turn: now it is that of the others. */
  #talked = false;
  /** What was said beyond what may be in flight, since the others had a turn. */
  #saidAhead = 0;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  opening(stream: Stream): void {
    this.#opens.add(stream);
  }

  neverOpened(stream: Stream): void {
    this.#opens.delete(stream);
  }

  pendingOpens(): Stream[] {
    return [...this.#opens];
  }

  queueControl(stream: Stream): void {
    if (stream.inControlLine || stream.sending.openDue || !stream.sending.hasFlags) return;
    stream.inControlLine = true;
    this.#control.push(stream);
  }

  queueData(stream: Stream): void {
    if (stream.inDataLine || !stream.sending.canSend) return;
    stream.inDataLine = true;
    const { talks, queue } = stream.sending;
    (talks && queue.bytes <= SMALL_BYTES ? this.#talk : this.#data).push(stream);
  }

  /** Nothing waits to be made. */
  get quiet(): boolean {
    return (
      this.goAwayDue === undefined &&
      this.#opens.size === 0 &&
      this.#control.length === 0 &&
      this.#data.length === 0 &&
      this.#talk.length === 0
    );
  }

  /** There may be more in flight than there is. */
  get mayHand(): boolean {
    return this.log.inFlight < this.#parts.inFlight.limit + HEADROOM_BYTES;
  }

  /** Make frames until `room` or a batch is filled, if there is anything to say. */
  make(room: number, now: Instant): void {
    const { log } = this;
    const until = log.cursor + Math.min(room, BATCH_BYTES, this.#parts.limits.aheadBytes);
    while (log.sent < until && this.#makeOne(now)) {
      // Each makes one frame, or a last one and the FIN behind it.
    }
  }

  clear(): void {
    this.goAwayDue = undefined;
    this.#opens.clear();
    this.#control.clear();
    this.#data.clear();
    this.#talk.clear();
  }

  #makeOne(now: Instant): boolean {
    const { log } = this;
    const { limits } = this.#parts;
    if (log.unacked >= limits.replayBytes + HEADROOM_BYTES) return false;
    const before = log.sent;
    if (!this.#makeControl(now) && !this.#makeData(now)) return false;
    this.#parts.budget.keep(log.sent - before);
    return true;
  }

  #makeControl(now: Instant): boolean {
    if (this.goAwayDue !== undefined) {
      this.#makeGoAway(this.goAwayDue);
      return true;
    }
    for (const stream of this.#opens) {
      this.#opens.delete(stream);
      this.#makeOpen(stream);
      return true;
    }
    for (let stream = this.#control.peek(); stream !== undefined; stream = this.#control.peek()) {
      const made = !stream.gone && this.#makeFlag(stream, now);
      if (stream.gone || !stream.sending.hasFlags) {
        stream.inControlLine = false;
        this.#control.shift();
      }
      if (made) return true;
    }
    return false;
  }

  #makeGoAway({ code, drainMs }: { readonly code: number; readonly drainMs: number }): void {
    const { log } = this;
    const { table } = this.#parts;
    this.goAwayDue = undefined;
    // What the peer opens from here on is thrown away; it is told so by this frame.
    table.lastTaken = Math.min(table.lastTaken, table.highestOfPeer);
    const at = log.reserve(FRAME.goAway, 12, 0);
    putUint32(log.slab, at, table.lastTaken);
    putUint32(log.slab, at + 4, code);
    putUint32(log.slab, at + 8, drainMs);
    log.weightyEnd = log.sent;
  }

  #makeOpen(stream: Stream): void {
    const { log } = this;
    const { sending, metadata } = stream;
    const at = log.reserve(FRAME.open, 2 + metadata.length, stream.id);
    putUint16(log.slab, at, stream.kind);
    log.slab.set(metadata, at + 2);
    log.weightyEnd = log.sent;
    sending.openDue = false;
    sending.openedAt = log.sent;
    this.#parts.table.highestMade = stream.id;
    this.queueControl(stream);
    this.queueData(stream);
  }

  /** @returns whether there was one. */
  #makeFlag(stream: Stream, now: Instant): boolean {
    const { sending } = stream;
    if (sending.resetDue !== undefined) this.#makeReset(stream, sending.resetDue);
    else if (sending.stopDue !== undefined) this.#makeStop(stream, sending.stopDue);
    else if (sending.creditDue) this.#makeCredit(stream, now);
    else return false;
    return true;
  }

  #makeReset(stream: Stream, code: number): void {
    const { log } = this;
    const { sending } = stream;
    const at = log.reserve(FRAME.reset, 16, stream.id);
    putUint32(log.slab, at, code);
    putUint32(log.slab, at + 4, sending.resetsOneSide ? 1 : 0);
    putUint64(log.slab, at + 8, sending.bytesOut);
    log.weightyEnd = log.sent;
    sending.resetDue = undefined;
    sending.ended = true;
    this.#parts.settle(stream);
  }

  #makeStop(stream: Stream, code: number): void {
    const { log } = this;
    const at = log.reserve(FRAME.stop, 4, stream.id);
    putUint32(log.slab, at, code);
    stream.sending.stopDue = undefined;
  }

  #makeCredit(stream: Stream, now: Instant): void {
    const { log } = this;
    const { sending, receiving } = stream;
    sending.creditDue = false;
    if (receiving.ended || receiving.muted) return;
    const granted = receiving.window.grant(now, this.#parts.inFlight.smoothMs ?? 0);
    const at = log.reserve(FRAME.credit, 8, stream.id);
    putUint64(log.slab, at, granted);
  }

  #makeData(now: Instant): boolean {
    const { log } = this;
    const { limits, budget, inFlight } = this.#parts;
    const bound = budget.tight ? Math.min(LEAST_REPLAY_BYTES, limits.replayBytes) : limits.replayBytes;
    const mayBulk = log.unacked < Math.min(bound, inFlight.limit);
    // What is small and waited for need not wait for the acknowledgement of what is large, for a slice …
    const mayTalk = mayBulk || (log.unacked < bound && this.#saidAhead < limits.sliceBytes);
    // … and where both may go on they take turns.
    const other = this.#talked && mayBulk ? this.#next(this.#data) : undefined;
    const talker = other === undefined && mayTalk ? this.#next(this.#talk) : undefined;
    const stream = other ?? talker ?? (mayBulk ? this.#next(this.#data) : undefined);
    if (stream === undefined) return false;
    const from = log.sent;
    this.#talked = talker !== undefined;
    this.#makeTurn(stream, bound - log.unacked, now);
    if (!mayBulk) this.#saidAhead += log.sent - from;
    else if (!this.#talked || this.#data.length === 0) this.#saidAhead = 0;
    return true;
  }

  #next(line: Fifo<Stream>): Stream | undefined {
    for (let stream = line.shift(); stream !== undefined; stream = line.shift()) {
      stream.inDataLine = false;
      if (!stream.gone && stream.sending.canSend) return stream;
    }
    return undefined;
  }

  /** One turn of a stream: a frame of data, and FIN if that was the last. */
  #makeTurn(stream: Stream, left: number, now: Instant): void {
    const { log } = this;
    const { budget } = this.#parts;
    const { sending } = stream;
    const { queue } = sending;
    if (queue.bytes > 0) {
      const length = Math.min(queue.bytes, sending.credit - sending.bytesOut, left, this.#turnBytes());
      log.begin(FRAME.data, length, stream.id);
      queue.moveTo(log, length);
      sending.bytesOut += length;
      sending.said(length);
      if (sending.talks) this.#parts.inFlight.attend(now);
      // The queue's share of the memory is the log's now.
      budget.release(length);
      stream.drained();
    }
    if (queue.bytes === 0 && sending.finDue) {
      log.reserve(FRAME.fin, 0, stream.id);
      sending.ended = true;
      this.#parts.settle(stream);
    }
    log.weightyEnd = log.sent;
    this.queueData(stream);
  }

  /** On a slow path a large frame would hold up all that follows, so a frame is at most half of what may be in flight. */
  #turnBytes(): number {
    const { limits, inFlight } = this.#parts;
    const share = Math.max(LEAST_FRAME_BYTES, Math.floor(inFlight.limit / 2));
    const least = this.#data.length > 0 ? limits.sliceBytes : LONE_TURN_BYTES;
    const turn = Math.max(least, Math.floor(inFlight.rate * TURN_MS));
    return Math.min(turn, share, this.maxFrameBytes);
  }
}
