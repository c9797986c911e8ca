// The records of a stream, without I/O: a type, a length, and so many bytes. What is too long is refused by its head,
// before any of it is kept.
import { badRecord } from "../failures.ts";

/** The types. Each end knows those that it may hear; others are a fault of the peer. */
export const RECORD = {
  /** What is asked for, as JSON; the first on each stream that has records. */
  request: 1,
  /** Bytes of a file, or of a long answer. */
  data: 2,
  /** A new size of the terminal, as JSON. */
  resize: 3,
  /** It runs, is connected, listens. */
  started: 16,
  /** The answer, as JSON; the last. */
  done: 17,
  /** Why not, as JSON; the last. */
  failed: 18,
  /** How the process ended, as JSON; the last. */
  ended: 19,
} as const;

/** The longest record of JSON, in bytes: arguments and environment at their limits, with room for escapes. */
export const MAX_JSON_BYTES = 524_288;
/** The longest record of data, in bytes. */
export const MAX_DATA_BYTES = 65_536;
/** Type and length. */
export const HEAD_BYTES = 5;

const KNOWN: ReadonlySet<number> = new Set(Object.values(RECORD));

export interface WireRecord {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** @throws HoldfastError `bad_record` if it is longer than its type may be. */
export function encodeRecord(type: number, payload: Uint8Array): Uint8Array {
  checkLength(type, payload.length);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes[0] = type;
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** Takes pieces of any length, gives records. */
export class RecordReader {
  /** At most one record with its head, and the piece that came last. */
  #bytes: Buffer = Buffer.alloc(0);
  /** Pieces behind `#bytes`: bounded by the same limit, joined when there is enough. */
  #pieces: Uint8Array[] = [];
  #length = 0;
  #wanted = HEAD_BYTES;

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** The next one, if it is here. @throws HoldfastError `bad_record`: this stream is beyond help. */
  next(): WireRecord | undefined {
    if (this.#length < this.#wanted) return undefined;
    this.#join();
    const type = this.#bytes[0] as number;
    const length = this.#bytes.readUInt32BE(1);
    checkLength(type, length);
    const end = HEAD_BYTES + length;
    this.#wanted = end;
    if (this.#length < end) return undefined;
    const payload = Uint8Array.from(this.#bytes.subarray(HEAD_BYTES, end));
    this.#bytes = this.#bytes.subarray(end);
    this.#length -= end;
    this.#wanted = HEAD_BYTES;
    return { type, payload };
  }

  /** Whether there is part of a record. */
  get partial(): boolean {
    return this.#length > 0;
  }

  /** What came behind the last record, for streams that go on with plain bytes. It is empty afterwards. */
  rest(): Uint8Array {
    this.#join();
    const rest = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    this.#wanted = HEAD_BYTES;
    return rest;
  }

  #join(): void {
    if (this.#pieces.length === 0) return;
    this.#bytes = Buffer.concat([this.#bytes, ...this.#pieces]);
    this.#pieces = [];
  }
}

function checkLength(type: number, length: number): void {
  if (!KNOWN.has(type)) throw badRecord(`a record of the unknown type ${type}`);
  const most = type === RECORD.data ? MAX_DATA_BYTES : MAX_JSON_BYTES;
  if (length > most) throw badRecord(`a record of type ${type} with ${length} bytes, more than ${most}`);
}
