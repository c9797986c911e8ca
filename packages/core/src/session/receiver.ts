// The decoder: bytes of the link in, frames out. Payloads of DATA go straight to their streams in slices, without
// reassembly; everything else is short and is put together when a piece of the link ends inside it.
//
// What belongs to whom matters when a link is cut. A half-read sequenced frame belongs to the session: its rest is the
// first thing on the next link. A half-read header, or unsequenced frame, belongs to the link and is forgotten with it.
import { FRAME, HEADER_BYTES, IGNORABLE, payloadBytesAt, SEQUENCED, streamIdAt } from "./wire/frame-types.ts";
import type { LinkInput } from "./link-input.ts";
import type { SequencedInput } from "./sequenced-input.ts";
import type { Stream } from "./stream-state.ts";
import { MOST_DATAGRAM_BYTES, sequencedFault, unsequencedFault } from "./wire/frame-sizes.ts";

/** Where frames go. */
export interface FrameHandler {
  readonly sequenced: SequencedInput;
  readonly link: LinkInput;
  brokenSession(what: string): void;
  brokenLink(what: string): void;
  /** A datagram that is too long. */
  oversized(): void;
}

export class Receiver {
  /** Sequenced bytes that are in memory, complete headers and parts of payloads included. */
  rx = 0;
  readonly #handler: FrameHandler;
  readonly #maxFrameBytes: number;

  // Of the session: the sequenced frame that is being read.
  #left = 0;
  #type = 0;
  #streamId = 0;
  #stream: Stream | undefined;
  /** What came of its payload; at most 4 KiB. Not for DATA. */
  #collected: Uint8Array | undefined;

  // Of the link.
  readonly #header: Uint8Array = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #linkLeft = 0;
  #linkType = 0;
  #linkStreamId = 0;
  /** Too long, or of a type that is not known: passed over, and nothing of it kept. */
  #linkSkips = false;
  #linkCollected: Uint8Array | undefined;
  #open = false;

  constructor(handler: FrameHandler, maxFrameBytes: number) {
    this.#handler = handler;
    this.#maxFrameBytes = maxFrameBytes;
  }

  attach(): void {
    this.#open = true;
  }

  /** The link is gone, or the session: what comes is dropped. */
  detach(): void {
    this.#open = false;
    this.#headerBytes = 0;
    this.#linkLeft = 0;
    this.#linkCollected = undefined;
  }

  receive(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#open) {
      if (this.#left > 0) at = this.#readPayload(bytes, at);
      else if (this.#linkLeft > 0) at = this.#readLinkPayload(bytes, at);
      else at = this.#readHeader(bytes, at);
    }
  }

  #readHeader(bytes: Uint8Array, at: number): number {
    if (this.#headerBytes === 0 && at + HEADER_BYTES <= bytes.length) {
      this.#begin(bytes, at);
      return at + HEADER_BYTES;
    }
    const length = Math.min(HEADER_BYTES - this.#headerBytes, bytes.length - at);
    for (let i = 0; i < length; i++) this.#header[this.#headerBytes + i] = bytes[at + i]!;
    this.#headerBytes += length;
    if (this.#headerBytes === HEADER_BYTES) {
      this.#headerBytes = 0;
      this.#begin(this.#header, 0);
    }
    return at + length;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const type = bytes[at]!;
    const payloadBytes = payloadBytesAt(bytes, at);
    const streamId = streamIdAt(bytes, at);
    if ((type & SEQUENCED) !== 0) this.#beginSequenced(type, payloadBytes, streamId);
    else this.#beginUnsequenced(type, payloadBytes, streamId);
  }

  #beginSequenced(type: number, payloadBytes: number, streamId: number): void {
    const fault = sequencedFault(type, payloadBytes, streamId, this.#maxFrameBytes);
    if (fault !== undefined) {
      this.#handler.brokenSession(fault);
      return;
    }
    this.rx += HEADER_BYTES;
    this.#type = type;
    this.#streamId = streamId;
    this.#left = payloadBytes;
    if (type === FRAME.data) {
      const target = this.#handler.sequenced.data(streamId, payloadBytes);
      if (typeof target === "string") this.#handler.brokenSession(target);
      else this.#stream = target;
    } else if (payloadBytes === 0) {
      this.#finish(this.#header, 0, 0);
    }
  }

  #readPayload(bytes: Uint8Array, at: number): number {
    const to = Math.min(at + this.#left, bytes.length);
    this.rx += to - at;
    if (this.#type === FRAME.data) {
      this.#left -= to - at;
      if (this.#stream !== undefined) this.#handler.sequenced.deliver(this.#stream, bytes, at, to);
      if (this.#left === 0) this.#stream = undefined;
      return to;
    }
    const whole = this.#collected === undefined && to - at === this.#left;
    if (whole) {
      this.#left = 0;
      this.#finish(bytes, at, to);
      return to;
    }
    // The sizes of these frames are checked: at most 4 KiB.
    this.#collected ??= new Uint8Array(this.#left);
    const collected = this.#collected;
    collected.set(bytes.subarray(at, to), collected.length - this.#left);
    this.#left -= to - at;
    if (this.#left === 0) {
      this.#collected = undefined;
      this.#finish(collected, 0, collected.length);
    }
    return to;
  }

  #finish(bytes: Uint8Array, from: number, to: number): void {
    const fault = this.#handler.sequenced.handle(this.#type, this.#streamId, bytes, from, to);
    if (fault !== undefined) this.#handler.brokenSession(fault);
  }

  #beginUnsequenced(type: number, payloadBytes: number, streamId: number): void {
    const fault = unsequencedFault(type, payloadBytes, this.#maxFrameBytes);
    if (fault !== undefined) {
      this.#handler.brokenLink(fault);
      return;
    }
    this.#linkType = type;
    this.#linkStreamId = streamId;
    this.#linkLeft = payloadBytes;
    this.#linkSkips = type >= IGNORABLE && (type !== FRAME.datagram || payloadBytes > MOST_DATAGRAM_BYTES);
    if (payloadBytes === 0 && !this.#linkSkips) this.#finishLink(this.#header, 0, 0);
  }

  #readLinkPayload(bytes: Uint8Array, at: number): number {
    const to = Math.min(at + this.#linkLeft, bytes.length);
    if (this.#linkSkips) {
      this.#linkLeft -= to - at;
      if (this.#linkLeft === 0 && this.#linkType === FRAME.datagram) this.#handler.oversized();
      return to;
    }
    if (this.#linkCollected === undefined && to - at === this.#linkLeft) {
      this.#linkLeft = 0;
      this.#finishLink(bytes, at, to);
      return to;
    }
    this.#linkCollected ??= new Uint8Array(this.#linkLeft);
    const collected = this.#linkCollected;
    collected.set(bytes.subarray(at, to), collected.length - this.#linkLeft);
    this.#linkLeft -= to - at;
    if (this.#linkLeft === 0) {
      this.#linkCollected = undefined;
      this.#finishLink(collected, 0, collected.length);
    }
    return to;
  }

  #finishLink(bytes: Uint8Array, from: number, to: number): void {
    const fault = this.#handler.link.handle(this.#linkType, this.#linkStreamId, bytes, from, to);
    if (fault !== undefined) this.#handler.brokenLink(fault);
  }
}
