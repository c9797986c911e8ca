// What everything on this end of a served machine goes through: streams are opened here, and end with the machine.
import type { HoldfastError } from "@holdfast/core";
import { KIND, type SessionStream } from "@holdfast/core/session";
import type { SessionHandle } from "@holdfast/net/session";
import { badRecord, linkLost, notConnected, openFailure } from "../failures.ts";
import type { SessionMachineLimits } from "../limits.ts";
import { RecordPort } from "../record-port.ts";
import { decodeFailure } from "../wire/failure.ts";
import { MAX_ANSWER_BYTES } from "../wire/answers.ts";
import { encodeJson } from "../wire/fields.ts";
import { encodeOpening, PURPOSE, WIRE_VERSION } from "../wire/opening.ts";
import { RECORD } from "../wire/record.ts";
import type { CallRequest } from "../wire/requests.ts";
import { Gate } from "./gate.ts";

export interface Answer {
  /** The JSON of the answer. */
  readonly payload: Uint8Array;
  /** The bytes before it. */
  readonly bytes: Uint8Array;
}

export interface CallOptions {
  /** Sent behind the request. */
  readonly body?: Uint8Array;
  /** Bytes that the answer may have, and what to throw if it has more. Default 16 MiB. */
  readonly most?: { readonly bytes: number; readonly failure: () => HoldfastError };
}

/** Something that breaks when the machine does. */
export type Break = (failure: HoldfastError) => void;

export class Channel {
  readonly session: SessionHandle;
  readonly name: string;
  readonly #gate: Gate;
  /** Bounded by the streams that the session takes. */
  readonly #breaks = new Set<Break>();
  #closed = false;

  constructor(session: SessionHandle, name: string, limits: SessionMachineLimits) {
    this.session = session;
    this.name = name;
    this.#gate = new Gate(limits);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws HoldfastError `not_connected`. */
  check(): void {
    if (this.#closed || this.session.end !== undefined) throw notConnected();
  }

  /** @throws HoldfastError `not_connected`, `limit`, `going_away`. */
  open(purpose: number, of = 0): SessionStream {
    this.check();
    const opening = { version: WIRE_VERSION, purpose, machine: this.name, of };
    try {
      return this.session.open(KIND.machine, encodeOpening(opening));
    } catch (thrown) {
      throw openFailure(thrown);
    }
  }

  /** Call this when the machine ends. @returns what forgets it again. */
  onBreak(broken: Break): () => void {
    this.#breaks.add(broken);
    return () => void this.#breaks.delete(broken);
  }

  /**
   * A stream with records, from its request to whatever `use` makes of it. It is broken off if that fails. Streams that
   * `prepare` opens are there when the request is.
   */
  async withPort<T, P = undefined>(
    purpose: number,
    request: Uint8Array,
    use: (port: RecordPort, keep: () => void, prepared: P) => Promise<T>,
    prepare?: (port: RecordPort) => P,
  ): Promise<T> {
    const port = new RecordPort(this.open(purpose), this.session);
    const forget = this.onBreak((failure) => port.abort(failure));
    try {
      const prepared = prepare?.(port) as P;
      await port.send(RECORD.request, request);
      return await use(port, forget, prepared);
    } catch (thrown) {
      port.abort(linkLost(thrown));
      forget();
      throw thrown;
    }
  }

  /** One request and its answer. @throws HoldfastError what the machine says; `not_connected`, `link_lost`, `limit`. */
  async call(request: CallRequest, options: CallOptions = {}): Promise<Answer> {
    this.check();
    if (request.do === "ping") return this.#call(request, options);
    return this.#gate.pass(() => this.#call(request, options));
  }

  close(failure: HoldfastError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gate.close(failure);
    for (const broken of this.#breaks) broken(failure);
    this.#breaks.clear();
  }

  #call(request: CallRequest, { body, most }: CallOptions): Promise<Answer> {
    return this.withPort(PURPOSE.call, encodeJson(request), async (port, forget) => {
      // An answer may come before all is said: that the disk is full, say.
      const said = sayAll(port, body);
      const answer = await collect(port, most);
      await said;
      port.port.stop();
      forget();
      return answer;
    });
  }
}

async function sayAll(port: RecordPort, body: Uint8Array | undefined): Promise<void> {
  try {
    if (body !== undefined && !(await port.sendData(body))) return;
    port.port.end();
  } catch {
    // Whoever reads the answer hears why.
  }
}

async function collect(port: RecordPort, most: CallOptions["most"]): Promise<Answer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const record = await port.next();
    if (record?.type === RECORD.failed) throw decodeFailure(record.payload);
    if (record?.type === RECORD.done) return { payload: record.payload, bytes: Buffer.concat(pieces) };
    if (record?.type !== RECORD.data) throw badRecord("an answer that is none");
    length += record.payload.length;
    if (length > (most?.bytes ?? MAX_ANSWER_BYTES))
      throw most?.failure() ?? badRecord("an answer that is too long");
    pieces.push(record.payload);
  }
}
