// What is said about the link itself, outside of the session's sequence: one slot for each type of frame, the newest
// value in it, so that whatever the peer asks for cannot pile up. Datagrams wait here too, up to their limit.
import type { Instant } from "../ports.ts";
import type { Acks } from "./acks.ts";
import { Fifo } from "./fifo.ts";
import type { Pings } from "./pings.ts";
import type { Stream } from "./stream-state.ts";
import { FRAME, HEADER_BYTES, makeFrame, putHeader } from "./wire/frame-types.ts";
import { putUint16, putUint32, putUint64 } from "./wire/integers.ts";

/** All slots but that of AUTH fit into it. */
const ROOM = 128;
/** Memory for many of them at a time: one allocation each would be what they cost most. */
const SLAB_BYTES = 8_192;

interface Auth {
  readonly serial: number;
  readonly credentials: Uint8Array;
}

interface AuthState {
  readonly serial: number;
  readonly expiresMs: number;
  readonly code: number;
}

interface Datagram {
  readonly flow: Stream;
  readonly frame: Uint8Array;
}

export class LinkOutput {
  pingDue = false;
  /** A PING was not answered yet; its token is echoed as it came. */
  pongDue = false;
  readonly #pongToken: Uint8Array = new Uint8Array(8);
  detachDue: { readonly code: number; readonly reconnectWindowMs: number } | undefined;
  authStateDue: AuthState | undefined;
  /** The newest credentials, until they are answered. */
  auth: Auth | undefined;
  authDue = false;
  readonly #acks: Acks;
  readonly #pings: Pings;
  readonly #datagramLimit: number;
  // Bounded by `datagramBytes`.
  readonly #datagrams: Fifo<Datagram> = new Fifo();
  #datagramBytes = 0;
  #slab: Uint8Array = new Uint8Array(0);

  constructor(acks: Acks, pings: Pings, datagramLimit: number) {
    this.#acks = acks;
    this.#pings = pings;
    this.#datagramLimit = datagramLimit;
  }

  /** Another link, or none: what was about the old one is forgotten. */
  forgetLink(): void {
    this.pingDue = false;
    this.pongDue = false;
    this.detachDue = undefined;
    this.#datagrams.clear();
    this.#datagramBytes = 0;
    this.authDue = this.auth !== undefined;
  }

  /** Answer the PING whose token is at `from`. */
  answer(bytes: Uint8Array, from: number): void {
    for (let i = 0; i < 8; i++) this.#pongToken[i] = bytes[from + i]!;
    this.pongDue = true;
  }

  get due(): boolean {
    return (
      this.#acks.due ||
      this.pongDue ||
      this.pingDue ||
      this.authDue ||
      this.authStateDue !== undefined ||
      this.detachDue !== undefined
    );
  }

  /** All that is due, as one piece; `rx` rides along. */
  encode(rx: number, now: Instant): Uint8Array {
    const frames = this.#room();
    let at = 0;
    if (this.pongDue) {
      frames.set(this.#pongToken, HEADER_BYTES);
      at = putPositioned(frames, at, FRAME.pong, rx);
    }
    if (this.pingDue) {
      putUint64(frames, at + HEADER_BYTES, this.#pings.sent(now));
      at = putPositioned(frames, at, FRAME.ping, rx);
    }
    if (at === 0 && this.#acks.due) {
      putHeader(frames, at, FRAME.ack, 8, 0);
      putUint64(frames, at + HEADER_BYTES, rx);
      at += HEADER_BYTES + 8;
    }
    // Each of the three tells the position.
    if (at > 0) this.#acks.told(rx);
    this.pongDue = false;
    this.pingDue = false;
    if (this.authStateDue !== undefined) at = putAuthState(frames, at, this.authStateDue);
    this.authStateDue = undefined;
    if (this.detachDue !== undefined) {
      putHeader(frames, at, FRAME.detach, 6, 0);
      putUint16(frames, at + HEADER_BYTES, this.detachDue.code);
      putUint32(frames, at + HEADER_BYTES + 2, this.detachDue.reconnectWindowMs);
      at += HEADER_BYTES + 6;
    }
    this.detachDue = undefined;
    if (at === 0) return this.#encodeAuth();
    this.#slab = frames.subarray(at);
    return frames.subarray(0, at);
  }

  #room(): Uint8Array {
    if (this.#slab.length < ROOM) this.#slab = new Uint8Array(SLAB_BYTES);
    return this.#slab;
  }

  /** @returns `false` if too many wait. */
  queueDatagram(flow: Stream, bytes: Uint8Array): boolean {
    if (this.#datagramBytes + bytes.length > this.#datagramLimit) return false;
    this.#datagramBytes += bytes.length;
    const frame = makeFrame(FRAME.datagram, bytes.length, flow.id);
    frame.set(bytes, HEADER_BYTES);
    this.#datagrams.push({ flow, frame });
    return true;
  }

  /** The next datagram whose flow the peer has been told of, all up to `cursor` being on the link. */
  nextDatagram(cursor: number): Uint8Array | undefined {
    for (let next = this.#datagrams.peek(); next !== undefined; next = this.#datagrams.peek()) {
      const { flow, frame } = next;
      if (!flow.gone && (flow.sending.openDue || flow.sending.openedAt > cursor)) return undefined;
      this.#datagrams.shift();
      this.#datagramBytes -= frame.length - HEADER_BYTES;
      if (!flow.gone) return frame;
    }
    return undefined;
  }

  /** AUTH is the one frame here that may be long, so it is a piece of its own. */
  #encodeAuth(): Uint8Array {
    const { serial, credentials } = this.auth!;
    this.authDue = false;
    const frame = makeFrame(FRAME.auth, 4 + credentials.length, 0);
    putUint32(frame, HEADER_BYTES, serial);
    frame.set(credentials, HEADER_BYTES + 4);
    return frame;
  }
}

/** CLOSE, which ends the session. */
export function encodeClose(code: number, rx: number, reason: Uint8Array): Uint8Array {
  const frame = makeFrame(FRAME.close, 10 + reason.length, 0);
  putUint16(frame, HEADER_BYTES, code);
  putUint64(frame, HEADER_BYTES + 2, rx);
  frame.set(reason, HEADER_BYTES + 10);
  return frame;
}

/** PING or PONG, around the token that is there already. */
function putPositioned(frames: Uint8Array, at: number, type: number, rx: number): number {
  putHeader(frames, at, type, 16, 0);
  putUint64(frames, at + HEADER_BYTES + 8, rx);
  return at + HEADER_BYTES + 16;
}

function putAuthState(frames: Uint8Array, at: number, { serial, expiresMs, code }: AuthState): number {
  putHeader(frames, at, FRAME.authState, 10, 0);
  putUint32(frames, at + HEADER_BYTES, serial);
  putUint32(frames, at + HEADER_BYTES + 4, expiresMs);
  putUint16(frames, at + HEADER_BYTES + 8, code);
  return at + HEADER_BYTES + 10;
}
