// Listens to all that one end puts on one link and holds it against the rules: what is sequenced goes to the
// direction's `Sequence`, what is not is judged here.
import type { Sequence } from "./sequence.ts";

type Fail = (invariant: string, message: string) => void;

/** What the two taps of a link know of each other. */
export interface TapPair {
  /** The session that is on the link; set by the handshake's frames. */
  pair: TappedSession | undefined;
  /** Where each direction goes on; from RESUME and RESUME_OK, 0 after HELLO_OK. */
  clientStart: number;
  serverStart: number;
  /** Tokens of PINGs that are not answered, for each direction. */
  readonly pings: { client: Set<string>; server: Set<string> };
  /** Links of the same session, counted: a frame on an old one is no surprise, a new one on it is. */
  attached: boolean;
}

export interface TappedSession {
  readonly client: Sequence;
  readonly server: Sequence;
}

const HEADER = 8;
/** Total sizes of unsequenced frames that have one. */
const FIXED: Readonly<Record<number, number>> = {
  0x02: 124,
  0x03: 96,
  0x04: 80,
  0x07: 18,
  0x10: 16,
  0x11: 24,
  0x12: 24,
  0x13: 14,
};

export class Tap {
  readonly #fromClient: boolean;
  readonly #shared: TapPair;
  readonly #sessionOf: (id: string) => TappedSession;
  readonly #fail: Fail;
  readonly #header = new Uint8Array(HEADER);
  #headerBytes = 0;
  #type = 0;
  #left = 0;
  #position = -1;
  /** R9b: so much of a cut frame has to come before anything else. */
  #remainder = 0;
  #payload: Uint8Array = new Uint8Array(0);
  #collected = 0;
  #acked = 0;

  constructor(fromClient: boolean, shared: TapPair, sessionOf: (id: string) => TappedSession, fail: Fail) {
    this.#fromClient = fromClient;
    this.#shared = shared;
    this.#sessionOf = sessionOf;
    this.#fail = fail;
  }

  hear(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#remainder > 0) at += this.#sequenced(bytes.subarray(at, at + this.#remainder), true);
      else if (this.#left > 0) at += this.#rest(bytes.subarray(at, at + this.#left));
      else at += this.#head(bytes.subarray(at));
    }
  }

  get #sequence(): Sequence {
    const { pair } = this.#shared;
    if (pair === undefined) return this.#fail("link", "sequenced bytes before the handshake") as never;
    return this.#fromClient ? pair.client : pair.server;
  }

  /** The first bytes behind the handshake: where do they belong? */
  #start(): void {
    if (this.#position >= 0 || !this.#shared.attached) return;
    this.#position = this.#fromClient ? this.#shared.clientStart : this.#shared.serverStart;
    this.#remainder = this.#sequence.remainderAt(this.#position);
  }

  #sequenced(bytes: Uint8Array, remainder: boolean): number {
    this.#sequence.say(this.#position, bytes);
    this.#position += bytes.length;
    this.#sequence.cursor = this.#position;
    if (remainder) this.#remainder -= bytes.length;
    return bytes.length;
  }

  #rest(bytes: Uint8Array): number {
    this.#left -= bytes.length;
    if (this.#type >= 0x80) return this.#sequenced(bytes, false);
    this.#payload.set(bytes, this.#collected);
    this.#collected += bytes.length;
    if (this.#left === 0) this.#unsequenced();
    return bytes.length;
  }

  #head(bytes: Uint8Array): number {
    if (this.#headerBytes === 0) {
      this.#start();
      if (this.#remainder > 0) return 0;
    }
    const taken = bytes.subarray(0, HEADER - this.#headerBytes);
    this.#header.set(taken, this.#headerBytes);
    this.#headerBytes += taken.length;
    if (this.#headerBytes < HEADER) return taken.length;
    this.#headerBytes = 0;
    this.#type = this.#header[0]!;
    this.#left = (this.#header[1]! << 16) | (this.#header[2]! << 8) | this.#header[3]!;
    if (this.#type >= 0x80) {
      if (!this.#shared.attached) this.#fail("link", "sequenced bytes before the handshake was over");
      this.#sequenced(this.#header, false);
      return taken.length;
    }
    this.#payload = new Uint8Array(this.#left);
    this.#collected = 0;
    if (this.#left === 0) this.#unsequenced();
    return taken.length;
  }

  #unsequenced(): void {
    const size = FIXED[this.#type];
    if (size !== undefined && size !== HEADER + this.#payload.length)
      this.#fail("frames", `type ${this.#type.toString(16)} of ${this.#payload.length} bytes`);
    switch (this.#type) {
      case 0x02:
        return this.#attach(hex(this.#payload.subarray(8, 24)), 0, 0);
      case 0x03:
        this.#shared.pair = this.#sessionOf(hex(this.#payload.subarray(4, 20)));
        this.#shared.serverStart = u64(this.#payload, 40);
        return;
      case 0x04:
        this.#shared.clientStart = u64(this.#payload, 24);
        this.#shared.attached = true;
        return;
      case 0x10:
        return this.#ack(u64(this.#payload, 0));
      case 0x11:
        (this.#fromClient ? this.#shared.pings.client : this.#shared.pings.server).add(
          hex(this.#payload.subarray(0, 8)),
        );
        return this.#ack(u64(this.#payload, 8));
      case 0x12:
        return this.#pong(hex(this.#payload.subarray(0, 8)));
      default:
    }
  }

  #attach(id: string, clientStart: number, serverStart: number): void {
    this.#shared.pair = this.#sessionOf(id);
    Object.assign(this.#shared, { clientStart, serverStart, attached: true });
  }

  #pong(token: string): void {
    const asked = this.#fromClient ? this.#shared.pings.server : this.#shared.pings.client;
    if (!asked.delete(token)) this.#fail("ping", "a PONG that nobody asked for");
    this.#ack(u64(this.#payload, 8));
  }

  /** Never for bytes that are not in memory, never less than before. */
  #ack(position: number): void {
    const { session } = this.#sequence;
    if (session !== undefined && position > session.position.rx)
      this.#fail("acks", `${position} acknowledged, ${session.position.rx} received`);
    if (position < this.#acked) this.#fail("acks", `from ${this.#acked} back to ${position}`);
    this.#acked = position;
  }
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

function u64(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 8; i++) value = value * 256 + bytes[at + i]!;
  return value;
}
