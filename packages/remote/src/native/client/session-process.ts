// A process of a machine at the other end of a session. It outlives links: what is written while the session is away
// arrives afterwards, and so does its output.
import type { Readable, Writable } from "node:stream";
import type { HoldfastError } from "@holdfast/core";
import type { Process, ProcessEnd, ProcessRequest, TerminalSize } from "../../plugin/process.ts";
import { badRecord, linkLost } from "../failures.ts";
import type { RecordPort } from "../record-port.ts";
import { sessionDuplex, type SessionDuplex } from "../session-duplex.ts";
import { decodeFailure } from "../wire/failure.ts";
import { encodeJson } from "../wire/fields.ts";
import { PURPOSE } from "../wire/opening.ts";
import { decodeEnd, encodeProcess } from "../wire/processes.ts";
import { encodeRecord, RECORD } from "../wire/record.ts";
import type { Channel } from "./channel.ts";

/** @throws HoldfastError what the machine says; `not_connected`, `link_lost`, `limit`, `too_long`. */
export async function startProcess(channel: Channel, request: ProcessRequest): Promise<Process> {
  channel.check();
  const run = async (port: RecordPort, forget: () => void, process: SessionProcess): Promise<Process> => {
    const record = await port.next();
    if (record?.type === RECORD.failed) throw decodeFailure(record.payload);
    if (record?.type !== RECORD.started) throw badRecord("an answer to a start that is none");
    forget();
    process.run();
    return process;
  };
  let process: SessionProcess | undefined = undefined;
  // What a process says at once would find no streams if they were opened after the request.
  const prepare = (port: RecordPort): SessionProcess =>
    (process = new SessionProcess(channel, port, request.terminal !== undefined));
  try {
    return await channel.withPort(PURPOSE.process, encodeProcess(request), run, prepare);
  } catch (thrown) {
    (process as SessionProcess | undefined)?.discard();
    throw thrown;
  }
}

class SessionProcess implements Process {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ended: Promise<ProcessEnd>;
  readonly #channel: Channel;
  readonly #port: RecordPort;
  readonly #outputs: readonly SessionDuplex[];
  readonly #input: SessionDuplex;
  readonly #hasTerminal: boolean;
  #settle: { readonly resolve: (end: ProcessEnd) => void; readonly reject: (failure: HoldfastError) => void };
  #over = false;
  /** The last size that found no room; those before it do not matter any more. */
  #size: TerminalSize | undefined = undefined;
  #sizing = false;

  constructor(channel: Channel, port: RecordPort, hasTerminal: boolean) {
    this.#channel = channel;
    this.#port = port;
    this.#hasTerminal = hasTerminal;
    const open = (purpose: number, ways: "read" | "write"): SessionDuplex =>
      sessionDuplex(channel.open(purpose, port.id), channel.session, { ways });
    this.#input = open(PURPOSE.stdin, "write");
    this.#outputs = [open(PURPOSE.stdout, "read"), open(PURPOSE.stderr, "read")];
    this.stdin = this.#input;
    this.stdout = this.#outputs[0] as SessionDuplex;
    this.stderr = this.#outputs[1] as SessionDuplex;
    this.#settle = { resolve: () => undefined, reject: () => undefined };
    this.ended = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Nobody needs to handle the rejection.
    this.ended.catch(() => undefined);
  }

  run(): void {
    const forget = this.#channel.onBreak((failure) => this.#break(failure));
    void this.#watch().finally(forget);
  }

  /** It never began. */
  discard(): void {
    for (const stream of [this.#input, ...this.#outputs]) stream.destroy();
  }

  resize({ rows, columns }: TerminalSize): void {
    if (!this.#hasTerminal || this.#over) return;
    this.#size = { rows, columns };
    if (!this.#sizing) void this.#sendSizes();
  }

  async signal(name: string): Promise<void> {
    if (this.#over) return;
    await this.#channel.call({ do: "signal", process: this.#port.id, name });
  }

  async #watch(): Promise<void> {
    try {
      const end = await this.#lastWord();
      this.#over = true;
      await Promise.all(
        this.#outputs.map((output) => new Promise<void>((resolve) => output.onReceived(resolve))),
      );
      if (this.#channel.session.end !== undefined && this.#outputs.some(({ errored }) => errored !== null)) {
        throw linkLost();
      }
      this.#finish();
      this.#settle.resolve(end);
    } catch (thrown) {
      this.#break(linkLost(thrown));
    }
  }

  async #lastWord(): Promise<ProcessEnd> {
    const record = await this.#port.next();
    if (record?.type === RECORD.ended) return decodeEnd(record.payload);
    if (record?.type === RECORD.failed) throw decodeFailure(record.payload);
    throw badRecord("a process that ends without a word");
  }

  /** What is left of it, once it has ended. */
  #finish(): void {
    this.#port.port.end();
    if (!this.#input.destroyed) this.#input.destroy();
  }

  #break(failure: HoldfastError): void {
    this.#over = true;
    this.#port.abort(failure);
    this.#settle.reject(failure);
    for (const stream of [this.#input, ...this.#outputs]) if (!stream.destroyed) stream.destroy(failure);
  }

  /** One at a time, so that only the last one waits while there is no room. */
  async #sendSizes(): Promise<void> {
    this.#sizing = true;
    try {
      for (let size = this.#size; size !== undefined; size = this.#size) {
        this.#size = undefined;
        await this.#port.port.write(encodeRecord(RECORD.resize, encodeJson(size)));
      }
    } catch {
      // It is over, which `ended` tells.
    } finally {
      this.#sizing = false;
    }
  }
}
