// A stream that carries records.
import type { HoldfastError } from "@holdfast/core";
import type { SessionStream } from "@holdfast/core/session";
import { badRecord } from "./failures.ts";
import { encodeFailure } from "./wire/failure.ts";
import { encodeJson } from "./wire/fields.ts";
import { encodeRecord, MAX_DATA_BYTES, RECORD, RecordReader, type WireRecord } from "./wire/record.ts";
import { StreamPort, type PortSession } from "./stream-port.ts";

export class RecordPort {
  readonly port: StreamPort;
  readonly #reader = new RecordReader();

  constructor(stream: SessionStream, session: PortSession) {
    this.port = new StreamPort(stream, session);
  }

  get id(): number {
    return this.port.stream.id;
  }

  /** The next record; `undefined` at the orderly end. @throws HoldfastError `bad_record`, `link_lost` … */
  async next(): Promise<WireRecord | undefined> {
    for (;;) {
      const record = this.#reader.next();
      if (record !== undefined) return record;
      const piece = await this.port.read();
      if (piece !== undefined) this.#reader.push(piece);
      else if (this.#reader.partial) throw badRecord("a stream that ends within a record");
      else return undefined;
    }
  }

  /** The record that must come now. @throws HoldfastError `bad_record` if it is another one, or none. */
  async expect(type: number): Promise<Uint8Array> {
    const record = await this.next();
    if (record?.type === type) return record.payload;
    throw badRecord(`a record of type ${record?.type ?? "none"} instead of ${type}`);
  }

  /** What came behind the last record. */
  rest(): Uint8Array {
    return this.#reader.rest();
  }

  send(type: number, payload: Uint8Array): Promise<boolean> {
    return this.port.write(encodeRecord(type, payload));
  }

  sendJson(type: number, value: unknown): Promise<boolean> {
    return this.send(type, encodeJson(value));
  }

  /** In records of data, as long as they may be. @returns `false` if the other end reads no more. */
  async sendData(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) {
      if (!(await this.send(RECORD.data, bytes.subarray(at, at + MAX_DATA_BYTES)))) return false;
    }
    return true;
  }

  /** The last word of the serving end: why not. Nothing more is read. */
  async fail(thrown: unknown): Promise<void> {
    await this.send(RECORD.failed, encodeFailure(thrown)).catch(() => false);
    this.port.end();
    this.port.stop();
  }

  abort(failure: HoldfastError): void {
    this.port.abort(failure);
  }
}
