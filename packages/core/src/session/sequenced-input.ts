// What the peer's sequenced frames do: those that change streams. A fault in one would be said again on every link, so
// each handler that finds one returns a text, and the session ends.
import { KIND, RESET } from "./codes.ts";
import type { SessionLimits } from "./limits.ts";
import type { Stream } from "./stream-state.ts";
import type { StreamTable } from "./stream-table.ts";
import { FRAME } from "./wire/frame-types.ts";
import { uint16At, uint32At, uint64At } from "./wire/integers.ts";

export interface SequencedInputParts {
  readonly limits: SessionLimits;
  readonly table: StreamTable;
  /** Make a stream of the peer's and put it into the table. */
  readonly accept: (id: number, kind: number, metadata: Uint8Array) => Stream;
  readonly settle: (stream: Stream) => void;
  readonly queueData: (stream: Stream) => void;
  /** GOAWAY came. */
  readonly goingAway: (last: number, code: number, drainMs: number) => void;
}

export class SequencedInput {
  readonly #parts: SequencedInputParts;

  constructor(parts: SequencedInputParts) {
    this.#parts = parts;
  }

  /** A header of DATA: the stream that gets the payload, if any, or what is wrong. */
  data(id: number, payloadBytes: number): Stream | undefined | string {
    const stream = this.#parts.table.get(id);
    if (stream === undefined) return this.#unknown(id, "DATA");
    const { receiving } = stream;
    if (stream.kind === KIND.udp) return `DATA on the datagram stream ${id}`;
    if (receiving.ended) return `DATA for stream ${id} after its end`;
    // Also where nobody reads any more: what was granted may come, and no more.
    if (receiving.bytesIn + payloadBytes > receiving.window.granted) return `stream ${id} exceeds its credit`;
    return stream;
  }

  deliver(stream: Stream, bytes: Uint8Array, from: number, to: number): void {
    const { receiving } = stream;
    receiving.bytesIn += to - from;
    if (receiving.muted) return;
    receiving.queue.push(bytes, from, to);
    if (!stream.readableWaits) stream.tell("readable");
  }

  handle(type: number, id: number, bytes: Uint8Array, from: number, to: number): string | undefined {
    if (type === FRAME.open) return this.#open(id, bytes, from, to);
    if (type === FRAME.goAway) return this.#goAway(bytes, from);
    const stream = this.#parts.table.get(id);
    if (stream === undefined) return this.#unknown(id, `a frame of type ${type}`);
    switch (type) {
      case FRAME.credit:
        return this.#credit(stream, bytes, from);
      case FRAME.fin:
        return this.#fin(stream);
      case FRAME.reset:
        return this.#reset(stream, bytes, from);
      case FRAME.stop:
        return this.#stop(stream, bytes, from);
      default:
        return `a frame of the unknown type ${type}`;
    }
  }

  /** For a stream that is not in the table: nothing to do, unless there never was one. */
  #unknown(id: number, what: string): string | undefined {
    return this.#parts.table.wasOpened(id) ? undefined : `${what} for stream ${id}, which was never opened`;
  }

  #open(id: number, bytes: Uint8Array, from: number, to: number): string | undefined {
    const { table, limits, accept } = this.#parts;
    if (table.isOurs(id)) return `OPEN with the id ${id}, which is not the peer's to give`;
    if (id <= table.highestOfPeer) return `OPEN of stream ${id} after stream ${table.highestOfPeer}`;
    if (id > table.lastTaken) {
      // It will learn of our GOAWAY, and that we never looked at this one.
      table.highestOfPeer = id;
      return undefined;
    }
    if (table.peersOpen >= limits.maxStreams) return `more than ${limits.maxStreams} streams at a time`;
    // Ended streams that nobody has read yet take room as well, and those the peer cannot count.
    const full = table.peersHere >= limits.maxStreams;
    // A copy, or a few bytes would keep the whole read of the link in memory.
    const metadata = full ? new Uint8Array(0) : bytes.slice(from + 2, to);
    const stream = accept(id, uint16At(bytes, from), metadata);
    if (!full) {
      stream.tell("opened");
      return undefined;
    }
    stream.hidden = true;
    stream.reset(RESET.notProcessed);
    return undefined;
  }

  #credit(stream: Stream, bytes: Uint8Array, from: number): string | undefined {
    const offset = uint64At(bytes, from);
    if (offset === undefined) return `CREDIT of stream ${stream.id} is out of range`;
    const { sending } = stream;
    if (offset <= sending.credit || stream.kind === KIND.udp) return undefined;
    sending.credit = offset;
    this.#parts.queueData(stream);
    return undefined;
  }

  #fin(stream: Stream): string | undefined {
    if (stream.receiving.ended) return `FIN of stream ${stream.id} after its end`;
    stream.endReceiving({ type: "finished" });
    this.#parts.settle(stream);
    return undefined;
  }

  #reset(stream: Stream, bytes: Uint8Array, from: number): string | undefined {
    const code = uint32At(bytes, from);
    const oneSide = (uint32At(bytes, from + 4) & 1) !== 0;
    const offset = uint64At(bytes, from + 8);
    const { receiving, sending, id } = stream;
    if (receiving.ended) return `RESET of stream ${id} after its end`;
    if (offset !== receiving.bytesIn) {
      return `RESET of stream ${id} at ${offset ?? "an offset out of range"}, not at ${receiving.bytesIn}`;
    }
    stream.endReceiving({ type: "reset", code, by: "peer" });
    // Each direction has exactly one end: ours is the answer, unless it is on its way.
    if (!oneSide && !sending.ended) stream.stopSending(code, false);
    this.#parts.settle(stream);
    return undefined;
  }

  #stop(stream: Stream, bytes: Uint8Array, from: number): string | undefined {
    stream.stopSending(uint32At(bytes, from), true);
    return undefined;
  }

  #goAway(bytes: Uint8Array, from: number): string | undefined {
    const { table } = this.#parts;
    const last = uint32At(bytes, from);
    if (last !== 0 && (!table.isOurs(last) || last > table.highestMade)) {
      return `GOAWAY names stream ${last}, which was never opened`;
    }
    this.#parts.goingAway(last, uint32At(bytes, from + 4), uint32At(bytes, from + 8));
    return undefined;
  }
}
