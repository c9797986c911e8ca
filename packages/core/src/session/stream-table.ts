// The streams of a session by their ids, from OPEN until both directions have ended and nothing is left to read.
// Ids rise strictly for each opener, so that "never opened" and "forgotten" can be told apart without remembering.
import type { Stream } from "./stream-state.ts";

const MOST_ID = 0xff_ff_ff_ff;

export class StreamTable {
  // One for each stream; at most twice maxStreams of the peer's and what the peer allows of ours.
  readonly #streams = new Map<number, Stream>();
  readonly #ours: number;
  #nextId: number;
  /** The highest id of ours whose OPEN was made. */
  highestMade = 0;
  /** The highest id that the peer has opened. */
  highestOfPeer = 0;
  /** Ids of the peer above this are thrown away: our GOAWAY said so. */
  lastTaken: number = MOST_ID;
  /** Streams that lack an end. */
  oursOpen = 0;
  peersOpen = 0;
  /** Streams of the peer that are here, those that wait to be read included. */
  peersHere = 0;
  /** The one that was named last: frames of one stream come in rows. */
  #recent: Stream | undefined;

  constructor(role: "client" | "server") {
    this.#ours = role === "client" ? 1 : 0;
    this.#nextId = role === "client" ? 1 : 2;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** 0 when they are used up. */
  get nextId(): number {
    return this.#nextId <= MOST_ID ? this.#nextId : 0;
  }

  isOurs(id: number): boolean {
    return (id & 1) === this.#ours;
  }

  get(id: number): Stream | undefined {
    if (this.#recent?.id === id) return this.#recent;
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#recent = stream;
    return stream;
  }

  /** Of an id that is not in the table. */
  wasOpened(id: number): boolean {
    return id <= (this.isOurs(id) ? this.highestMade : this.highestOfPeer);
  }

  add(stream: Stream): void {
    this.#streams.set(stream.id, stream);
    if (stream.fromPeer) {
      this.highestOfPeer = stream.id;
      this.peersOpen += 1;
      this.peersHere += 1;
    } else {
      this.#nextId += 2;
      this.oursOpen += 1;
    }
  }

  /** Both of its directions have ended. */
  ended(stream: Stream): void {
    if (!stream.counted) return;
    stream.counted = false;
    if (stream.fromPeer) this.peersOpen -= 1;
    else this.oursOpen -= 1;
  }

  remove(stream: Stream): void {
    this.ended(stream);
    if (!this.#streams.delete(stream.id)) return;
    if (stream.fromPeer) this.peersHere -= 1;
    if (this.#recent === stream) this.#recent = undefined;
    stream.gone = true;
    stream.receiving.window.release();
  }

  [Symbol.iterator](): Iterator<Stream> {
    return this.#streams.values();
  }
}
