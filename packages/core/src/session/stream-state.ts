// One stream as the session keeps it, and as the application holds it. What it may do to its session is in
// `StreamHost`.
import type { SessionEvent } from "./events.ts";
import { KIND, RESET } from "./codes.ts";
import { datagramsOnly, queueFull } from "./faults.ts";
import { ReceivingSide } from "./receiving-side.ts";
import { SendingSide } from "./sending-side.ts";
import type { SessionStream, StreamEnd } from "./stream.ts";
import type { Window } from "./window.ts";

/** The session, as seen by its streams. */
export interface StreamHost {
  readonly queueBytes: number;
  /** Memory is short: a queue takes one write only when it is empty. */
  readonly tight: boolean;
  kept(bytes: number): void;
  released(bytes: number): void;
  /** Data, or a FIN, may go, perhaps. */
  queueData(stream: Stream): void;
  /** A control frame of this stream is due, perhaps. */
  queueControl(stream: Stream): void;
  /** Opened and reset before the other end heard of it: it never existed. */
  neverOpened(stream: Stream): void;
  /** Perhaps it can leave the table now. */
  settle(stream: Stream): void;
  event(stream: Stream, type: StreamEventType): void;
  /** Something was asked for from outside. */
  work(): void;
}

export type StreamEventType = "opened" | "readable" | "writable" | "forgotten";

type StreamEvent = Extract<SessionEvent, { readonly type: StreamEventType }>;

export interface StreamOptions {
  readonly id: number;
  readonly kind: number;
  readonly metadata: Uint8Array;
  readonly fromPeer: boolean;
  readonly credit: number;
  readonly window: Window;
}

export class Stream implements SessionStream {
  readonly id: number;
  readonly kind: number;
  readonly metadata: Uint8Array;
  readonly fromPeer: boolean;
  context: unknown = undefined;

  readonly sending: SendingSide;
  readonly receiving: ReceivingSide;
  /** Refused before the application saw it: no events. */
  hidden = false;
  /** Has left the table. */
  gone = false;
  /** Has left the count of streams that lack an end. */
  counted = true;
  /** Stands in the line of those with control frames, and in that of those with data. */
  inControlLine = false;
  inDataLine = false;
  /** Events of it that wait to be polled. */
  readableWaits = false;
  writableWaits = false;
  readonly #host: StreamHost;
  // At most one for each type of event: they say nothing but which stream it is.
  readonly #events: Partial<Record<StreamEventType, StreamEvent>> = {};

  constructor(options: StreamOptions, host: StreamHost) {
    this.id = options.id;
    this.kind = options.kind;
    this.metadata = options.metadata;
    this.fromPeer = options.fromPeer;
    this.sending = new SendingSide(options.credit);
    this.receiving = new ReceivingSide(options.window);
    this.#host = host;
  }

  get queuedBytes(): number {
    return this.sending.queue.bytes;
  }

  get writable(): boolean {
    return this.sending.end === undefined && !this.#full;
  }

  get readableBytes(): number {
    return this.receiving.queue.bytes;
  }

  get received(): StreamEnd | undefined {
    return this.receiving.end;
  }

  get sent(): StreamEnd | undefined {
    return this.sending.end;
  }

  get bytesOut(): number {
    return this.sending.bytesOut;
  }

  get bytesIn(): number {
    return this.receiving.bytesIn;
  }

  write(bytes: Uint8Array, released?: () => void): boolean {
    const { sending } = this;
    if (sending.end !== undefined || bytes.length === 0) return this.writable;
    if (this.kind === KIND.udp) throw datagramsOnly(this.id);
    if (this.#full) throw queueFull(sending.queue.bytes);
    sending.queue.push(bytes, released);
    this.#host.kept(bytes.length);
    sending.full = sending.queue.bytes >= this.#host.queueBytes || this.#host.tight;
    this.#offer();
    return !sending.full;
  }

  end(): void {
    if (this.sending.end !== undefined) return;
    this.sending.end = { type: "finished" };
    this.#offer();
  }

  reset(code: number = RESET.cancelled): void {
    if (this.gone) return;
    const { sending, receiving } = this;
    if (sending.openDue) {
      this.breakOff({ type: "reset", code, by: "us" });
      this.#mute(code);
      this.#host.neverOpened(this);
      this.#host.work();
      return;
    }
    if (!receiving.muted) {
      this.#mute(code);
      // A FIN or RESET of ours that was made stands: what is left to break off is the other direction.
      if (sending.ended && !receiving.ended) sending.stopDue = code;
    }
    if (!sending.ended) this.#resetSending(code, false, "us");
    this.#flag();
  }

  stop(code: number = RESET.noReader): void {
    const { receiving } = this;
    if (this.gone || receiving.muted) return;
    this.#mute(code);
    if (!receiving.ended) this.sending.stopDue = code;
    this.#flag();
  }

  read(): Uint8Array | undefined {
    const { receiving } = this;
    const piece = receiving.queue.shift();
    if (piece === undefined) return undefined;
    receiving.bytesRead += piece.length;
    if (receiving.ended && receiving.queue.bytes === 0) {
      this.#host.settle(this);
      if (this.gone) this.#host.work();
    }
    return piece;
  }

  consumed(bytes: number): void {
    const { window, bytesRead, ended, muted } = this.receiving;
    if (!(bytes > 0)) return;
    window.consumed = Math.min(window.consumed + bytes, bytesRead);
    if (ended || muted || this.gone || this.sending.creditDue || !window.due) return;
    this.sending.creditDue = true;
    this.#host.queueControl(this);
    this.#host.work();
  }

  /** The other end wants no more of it, or is gone: what is queued is dropped, and RESET made if `reset`. */
  stopSending(code: number, oneSide: boolean): void {
    if (this.sending.ended) return;
    this.#resetSending(code, oneSide, "peer");
    this.#host.queueControl(this);
    this.tell("writable");
  }

  /** Drop the queue and end the sending side, locally. */
  breakOff(end: StreamEnd): void {
    const { sending } = this;
    if (sending.queue.bytes > 0) this.#host.released(sending.queue.bytes);
    sending.queue.clear();
    sending.end = end;
    sending.full = false;
  }

  /** Nothing more will come. What came before can still be read. */
  endReceiving(end: StreamEnd): void {
    this.receiving.ended = true;
    this.sending.creditDue = false;
    this.sending.stopDue = undefined;
    if (this.receiving.end !== undefined) return;
    this.receiving.end = end;
    this.tell("readable");
  }

  /** Data went into a frame: wake a writer that was told to wait. */
  drained(): void {
    const { sending } = this;
    if (!sending.full || this.#stillFull) return;
    sending.full = false;
    if (sending.end === undefined) this.tell("writable");
  }

  tell(type: StreamEventType): void {
    if (!this.hidden) this.#host.event(this, type);
  }

  /** The event of that type; the same object each time. */
  eventOf(type: StreamEventType): StreamEvent {
    return (this.#events[type] ??= { type, stream: this });
  }

  get #full(): boolean {
    const { full, queue } = this.sending;
    return full && (queue.bytes >= this.#host.queueBytes || (queue.bytes > 0 && this.#host.tight));
  }

  get #stillFull(): boolean {
    const { bytes } = this.sending.queue;
    return this.#host.tight ? bytes > 0 : 2 * bytes >= this.#host.queueBytes && bytes > 0;
  }

  /** Nobody reads on. What was not read is gone, so that even behind a FIN not all of it is here. */
  #mute(code: number): void {
    const { receiving } = this;
    const lost = receiving.queue.bytes > 0;
    receiving.mute();
    if (lost || receiving.end === undefined) receiving.end = { type: "reset", code, by: "us" };
  }

  #resetSending(code: number, oneSide: boolean, by: "us" | "peer"): void {
    const { sending } = this;
    if (sending.resetDue === undefined) {
      this.breakOff({ type: "reset", code, by });
      sending.resetDue = code;
      sending.resetsOneSide = oneSide;
    } else if (!oneSide) {
      sending.resetsOneSide = false;
    }
    if (!sending.resetsOneSide) sending.stopDue = undefined;
  }

  #offer(): void {
    if (this.inDataLine || !this.sending.canSend) return;
    this.#host.queueData(this);
    this.#host.work();
  }

  #flag(): void {
    this.#host.queueControl(this);
    this.#host.settle(this);
    this.#host.work();
  }
}
