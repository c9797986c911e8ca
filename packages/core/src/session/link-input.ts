// What the peer's unsequenced frames do: those about the link. A fault in one is the link's.
import type { Instant } from "../ports.ts";
import type { EventQueue } from "./event-queue.ts";
import type { LinkOutput } from "./link-output.ts";
import type { Pings } from "./pings.ts";
import { decodeReason } from "./reason-text.ts";
import { FRAME } from "./wire/frame-types.ts";
import { uint16At, uint32At, uint64At } from "./wire/integers.ts";

/** Longer announcements are cut to this, in milliseconds. */
const MOST_WINDOW_MS = 600_000;

export interface LinkInputParts {
  readonly events: EventQueue;
  readonly output: LinkOutput;
  readonly pings: Pings;
  readonly now: () => Instant;
  /** The peer says what it has. @returns `false` if that cannot be: the session is over. */
  readonly acknowledged: (position: number) => boolean;
  readonly roundTrip: (ms: number) => void;
  readonly datagram: (flow: number, bytes: Uint8Array, from: number, to: number) => void;
  readonly closed: (code: number, reason: string) => void;
}

export class LinkInput {
  readonly #parts: LinkInputParts;

  constructor(parts: LinkInputParts) {
    this.#parts = parts;
  }

  /** @returns what is wrong with it, if anything. */
  handle(type: number, id: number, bytes: Uint8Array, from: number, to: number): string | undefined {
    switch (type) {
      case FRAME.ack:
        return this.#position(bytes, from) === undefined ? "ACK is out of range" : undefined;
      case FRAME.ping:
        return this.#ping(bytes, from);
      case FRAME.pong:
        return this.#pong(bytes, from);
      case FRAME.detach:
        return this.#detach(bytes, from);
      case FRAME.close:
        return this.#close(bytes, from, to);
      case FRAME.auth: {
        const credentials = bytes.slice(from + 4, to);
        this.#parts.events.ofLink({ type: "auth", serial: uint32At(bytes, from), credentials });
        return undefined;
      }
      case FRAME.authState:
        return this.#authState(bytes, from);
      case FRAME.datagram:
        this.#parts.datagram(id, bytes, from, to);
        return undefined;
      default:
        return undefined;
    }
  }

  /** `undefined` if it is no position at all. One that cannot be ours ends the session instead. */
  #position(bytes: Uint8Array, from: number): number | undefined {
    const position = uint64At(bytes, from);
    if (position !== undefined) this.#parts.acknowledged(position);
    return position;
  }

  #ping(bytes: Uint8Array, from: number): string | undefined {
    if (this.#position(bytes, from + 8) === undefined) return "PING is out of range";
    this.#parts.output.answer(bytes, from);
    return undefined;
  }

  #pong(bytes: Uint8Array, from: number): string | undefined {
    if (this.#position(bytes, from + 8) === undefined) return "PONG is out of range";
    // A token that is not even a number of ours is none that we sent.
    const rttMs = this.#parts.pings.answered(uint64At(bytes, from) ?? 0, this.#parts.now());
    if (rttMs === undefined) return undefined;
    this.#parts.roundTrip(rttMs);
    this.#parts.events.ofLink({ type: "pong", rttMs });
    return undefined;
  }

  #detach(bytes: Uint8Array, from: number): string | undefined {
    const code = uint16At(bytes, from);
    const reconnectWindowMs = Math.min(uint32At(bytes, from + 2), MOST_WINDOW_MS);
    this.#parts.events.ofLink({ type: "detached", code, reconnectWindowMs });
    return undefined;
  }

  #close(bytes: Uint8Array, from: number, to: number): string | undefined {
    const position = uint64At(bytes, from + 2);
    if (position === undefined) return "CLOSE is out of range";
    if (this.#parts.acknowledged(position)) {
      this.#parts.closed(uint16At(bytes, from), decodeReason(bytes, from + 10, to));
    }
    return undefined;
  }

  #authState(bytes: Uint8Array, from: number): string | undefined {
    const { events, output } = this.#parts;
    const serial = uint32At(bytes, from);
    const code = uint16At(bytes, from + 8);
    if (code > 2) return `AUTH_STATE with the code ${code}`;
    if (output.auth?.serial === serial) {
      output.auth = undefined;
      output.authDue = false;
    }
    events.ofLink({ type: "auth_state", serial, expiresMs: uint32At(bytes, from + 4), code });
    return undefined;
  }
}
