// Events until they are polled. Of each stream at most one of each type waits; of the rest the few that the session
// itself makes, and datagrams up to their limit.
import type { SessionEvent } from "./events.ts";
import { Fifo } from "./fifo.ts";
import type { Stream, StreamEventType } from "./stream-state.ts";

/** Events about the link that a peer can cause at will are dropped beyond this. */
const MOST_ABOUT_LINK = 64;

export class EventQueue {
  // Bounded: four for each stream, 64 about the link, datagrams up to `datagramBytes`.
  readonly #events: Fifo<SessionEvent> = new Fifo();
  readonly #datagramLimit: number;
  #datagramBytes = 0;
  #aboutLink = 0;

  constructor(datagramLimit: number) {
    this.#datagramLimit = datagramLimit;
  }

  ofStream(stream: Stream, type: StreamEventType): void {
    if (type === "readable") {
      if (stream.readableWaits) return;
      stream.readableWaits = true;
    } else if (type === "writable") {
      if (stream.writableWaits) return;
      stream.writableWaits = true;
    }
    this.#events.push(stream.eventOf(type));
  }

  /** What the peer says at will: PONG, AUTH, AUTH_STATE, DETACH. */
  ofLink(event: SessionEvent): void {
    if (this.#aboutLink >= MOST_ABOUT_LINK) return;
    this.#aboutLink += 1;
    this.#events.push(event);
  }

  /** What happens once, or once for each link. */
  ofSession(event: SessionEvent): void {
    this.#events.push(event);
  }

  /** @returns `false` if too many wait. */
  datagram(flow: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#datagramBytes + to - from > this.#datagramLimit) return false;
    this.#datagramBytes += to - from;
    this.#events.push({ type: "datagram", flow, bytes: bytes.slice(from, to) });
    return true;
  }

  poll(): SessionEvent | undefined {
    const event = this.#events.shift();
    switch (event?.type) {
      case "readable":
        (event.stream as Stream).readableWaits = false;
        break;
      case "writable":
        (event.stream as Stream).writableWaits = false;
        break;
      case "datagram":
        this.#datagramBytes -= event.bytes.length;
        break;
      case "pong":
      case "auth":
      case "auth_state":
      case "detached":
        this.#aboutLink -= 1;
        break;
      case "opened":
      case "forgotten":
      case "going_away":
      case "link_failed":
      case "ended":
      case undefined:
        break;
    }
    return event;
  }
}
