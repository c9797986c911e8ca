// The streams of one session: how they come into being, what they may ask of their session, and how they leave it.
import type { Instant } from "../ports.ts";
import type { Budget } from "./budget.ts";
import { KIND, RESET } from "./codes.ts";
import type { EventQueue } from "./event-queue.ts";
import type { PeerLimits, SessionLimits } from "./limits.ts";
import { Pool } from "./pool.ts";
import type { Sender } from "./sender.ts";
import { Stream, type StreamEventType, type StreamHost } from "./stream-state.ts";
import { StreamTable } from "./stream-table.ts";
import { type GrowthPools, SLACK_MS, Window } from "./window.ts";

/** The window of streams whose opener was promised nothing. */
const FIRST_WINDOW_BYTES = 16_384;

/** What may be opened before the peer has said how many streams it takes. */
const STREAMS_BEFORE_BEGIN = 1_024;

export interface StreamsParts {
  readonly role: "client" | "server";
  readonly limits: SessionLimits;
  readonly budget: Budget;
  readonly events: EventQueue;
  /** Of the process. */
  readonly growthPool: Pool;
  readonly now: () => Instant;
  readonly work: () => void;
}

export class Streams implements StreamHost {
  readonly table: StreamTable;
  sender!: Sender;
  /** The peer takes no more: it said GOAWAY. */
  refused = false;
  /** How many of ours may be open at a time. */
  mostOurs: number = STREAMS_BEFORE_BEGIN;
  readonly #parts: StreamsParts;
  readonly #pools: GrowthPools;
  #relaxAt: Instant = Infinity;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.table = new StreamTable(parts.role);
    this.#pools = { session: new Pool(parts.limits.growthBytes), process: parts.growthPool };
  }

  // What streams ask for.

  get queueBytes(): number {
    return this.#parts.limits.queueBytes;
  }

  get tight(): boolean {
    return this.#parts.budget.tight;
  }

  kept(bytes: number): void {
    this.#parts.budget.keep(bytes);
  }

  released(bytes: number): void {
    this.#parts.budget.release(bytes);
  }

  queueData(stream: Stream): void {
    this.sender.queueData(stream);
  }

  queueControl(stream: Stream): void {
    this.sender.queueControl(stream);
  }

  neverOpened(stream: Stream): void {
    this.sender.neverOpened(stream);
    this.#forget(stream);
  }

  settle(stream: Stream): void {
    if (stream.gone || !stream.sending.ended || !stream.receiving.ended) return;
    this.table.ended(stream);
    if (stream.receiving.queue.bytes === 0) this.#forget(stream);
  }

  event(stream: Stream, type: StreamEventType): void {
    this.#parts.events.ofStream(stream, type);
  }

  work(): void {
    this.#parts.work();
  }

  // What the session asks for.

  /** Some lack an end. */
  get someOpen(): boolean {
    return this.table.oursOpen + this.table.peersOpen > 0;
  }

  get canOpen(): boolean {
    return this.table.oursOpen < this.mostOurs && this.table.nextId !== 0;
  }

  begin(peer: PeerLimits): void {
    this.mostOurs = peer.maxStreams;
    const early = [...this.table];
    for (const stream of early) {
      if (stream.kind !== KIND.udp) stream.sending.credit = peer.initialCredit;
    }
    for (const stream of early.slice(peer.maxStreams)) stream.reset(RESET.limit);
  }

  open(kind: number, metadata: Uint8Array, peer: PeerLimits | undefined): Stream {
    const stream = this.#make(this.table.nextId, kind, metadata, false, peer);
    stream.sending.openDue = true;
    this.table.add(stream);
    this.sender.opening(stream);
    return stream;
  }

  accept(id: number, kind: number, metadata: Uint8Array, peer: PeerLimits | undefined): Stream {
    const stream = this.#make(id, kind, metadata, true, peer);
    this.table.add(stream);
    this.sender.queueControl(stream);
    return stream;
  }

  /** GOAWAY: the peer never looked at those above `last`, and never will. */
  dropAbove(last: number): void {
    this.refused = true;
    for (const stream of this.table) {
      if (stream.fromPeer || stream.id <= last) continue;
      this.sender.neverOpened(stream);
      this.#cut(stream, RESET.notProcessed, "peer");
    }
  }

  /** Time is up: break off what has not ended. */
  resetAll(code: number): void {
    for (const stream of this.table) if (stream.counted) stream.reset(code);
  }

  /** The session is over. What was received can still be read. */
  loseAll(code: number): void {
    for (const stream of this.table) {
      this.#cut(stream, code, "us");
      stream.receiving.window.release();
    }
    this.#relaxAt = Infinity;
  }

  /** When windows are to give back what they do not need. */
  get relaxAt(): Instant {
    const { session } = this.#pools;
    if (session.free === session.size) this.#relaxAt = Infinity;
    else if (this.#relaxAt === Infinity) this.#relaxAt = this.#parts.now() + SLACK_MS;
    return this.#relaxAt;
  }

  relax(now: Instant): void {
    if (now < this.#relaxAt) return;
    this.#relaxAt = Infinity;
    for (const stream of this.table) {
      if (stream.receiving.window.grown) stream.receiving.window.relax(now);
    }
  }

  #make(
    id: number,
    kind: number,
    metadata: Uint8Array,
    fromPeer: boolean,
    peer: PeerLimits | undefined,
  ): Stream {
    const { initialCredit, maxWindow } = this.#parts.limits;
    const flow = kind === KIND.udp;
    const least = initialCredit > 0 ? initialCredit : Math.min(FIRST_WINDOW_BYTES, maxWindow);
    const granted = flow ? 0 : initialCredit;
    const window = new Window(granted, least, maxWindow, this.#pools, this.#parts.now());
    const credit = flow ? 0 : (peer?.initialCredit ?? 0);
    const stream = new Stream({ id, kind, metadata, fromPeer, credit, window }, this);
    stream.sending.creditDue = !flow && window.due;
    return stream;
  }

  /** End both directions of it here, without a word to the peer. */
  #cut(stream: Stream, code: number, by: "us" | "peer"): void {
    const { sending, receiving } = stream;
    if (!sending.ended) {
      stream.breakOff({ type: "reset", code, by });
      sending.ended = true;
      sending.openDue = false;
      sending.resetDue = undefined;
      stream.tell("writable");
    }
    if (!receiving.ended) stream.endReceiving({ type: "reset", code, by });
    this.settle(stream);
  }

  #forget(stream: Stream): void {
    this.table.remove(stream);
    stream.tell("forgotten");
  }
}
