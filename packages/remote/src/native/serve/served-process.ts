// One process that the other end asked for: three streams of bytes beside the one that has its start, its terminal's
// size and its end, so that an output that nobody reads holds up nothing else.
import type { Readable, Writable } from "node:stream";
import type { Timer } from "@holdfast/core";
import { RESET, type SessionStream } from "@holdfast/core/session";
import type { Process, ProcessEnd } from "../../plugin/process.ts";
import { badRecord } from "../failures.ts";
import type { RecordPort } from "../record-port.ts";
import { StreamPort } from "../stream-port.ts";
import { PURPOSE } from "../wire/opening.ts";
import { decodeProcess, decodeSize } from "../wire/processes.ts";
import { RECORD } from "../wire/record.ts";
import { brokenOff, type Ending, type Service } from "./service.ts";

export class ServedProcess implements Ending {
  readonly #service: Service;
  readonly #control: RecordPort;
  /** One for each of stdin, stdout and stderr, by its purpose. */
  readonly #ports = new Map<number, StreamPort>();
  readonly #kill: Timer;
  #process: Process | undefined = undefined;
  #over = false;
  #ending = false;

  constructor(control: RecordPort, service: Service) {
    this.#control = control;
    this.#service = service;
    this.#kill = service.options.clock.timer(() => this.#signalled("KILL"));
  }

  /** One of its three streams was opened. @returns `false` if it has that one already, or is over. */
  attach(purpose: number, stream: SessionStream): boolean {
    if (this.#ports.has(purpose) || this.#over) return false;
    this.#ports.set(purpose, new StreamPort(stream, this.#service.session));
    return true;
  }

  /** From the request to the end. @throws what is to be told to the other end. */
  async run(): Promise<void> {
    const request = decodeProcess(await this.#control.expect(RECORD.request));
    this.#control.port.onBroken = () => this.end();
    try {
      await this.#service.keep("processes", this, async () => {
        const process = await (await this.#service.machine()).start(request);
        this.#process = process;
        this.#service.event({ type: "process_started", process: this.#control.id, command: request.command });
        if (this.#ending) this.#signalled("TERM");
        await this.#tend(process);
      });
    } finally {
      this.#over = true;
      this.#kill.clear();
      this.#ports.get(PURPOSE.stdin)?.stop();
      for (const { stream } of this.#ports.values())
        if (stream.sent === undefined) stream.reset(RESET.cancelled);
    }
  }

  signal(name: string): Promise<void> {
    // After the end, as at the start, there is nothing to signal.
    return this.#process?.signal(name) ?? Promise.resolve();
  }

  /** TERM, and KILL if that does not help. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#control.abort(brokenOff());
    for (const port of this.#ports.values()) port.abort(brokenOff());
    if (this.#process === undefined) return;
    this.#signalled("TERM");
  }

  /** The three streams, the sizes, the end. */
  async #tend(process: Process): Promise<void> {
    await this.#control.send(RECORD.started, Buffer.from("{}")).catch(() => false);
    const outputs = [
      this.#output(process.stdout, PURPOSE.stdout),
      this.#output(process.stderr, PURPOSE.stderr),
    ];
    void this.#input(process.stdin);
    void this.#resizes(process);
    let end: ProcessEnd;
    try {
      end = await process.ended;
      await Promise.all(outputs);
    } finally {
      this.#service.event({ type: "process_ended", process: this.#control.id });
    }
    // From here on nothing is broken off: what is left of the outputs is the session's matter.
    this.#over = true;
    await this.#control.sendJson(RECORD.ended, end).catch(() => false);
    this.#control.port.end();
    this.#control.port.stop();
  }

  async #output(source: Readable, purpose: number): Promise<void> {
    const port = this.#ports.get(purpose);
    let wanted = port !== undefined;
    try {
      for await (const piece of source) {
        // Read on when nobody wants it: the process must not stop because of that.
        if (wanted)
          wanted = (await port?.write(Buffer.from(piece as Uint8Array)).catch(() => false)) ?? false;
      }
      port?.end();
    } catch {
      // The machine's link is gone, which `ended` tells; what came is not all.
      port?.stream.reset(RESET.socketFailed);
    }
  }

  async #input(sink: Writable): Promise<void> {
    const port = this.#ports.get(PURPOSE.stdin);
    sink.on("error", () => port?.stop());
    sink.once("close", () => port?.stop());
    if (port === undefined) return void sink.end();
    port.end();
    try {
      for (let piece = await port.read(); piece !== undefined; piece = await port.read()) {
        if (!sink.destroyed && !sink.write(piece)) await roomIn(sink);
      }
      sink.end();
    } catch {
      // Broken off: not an end. The process goes with its control stream.
      sink.destroy();
    }
  }

  async #resizes(process: Process): Promise<void> {
    try {
      for (
        let record = await this.#control.next();
        record !== undefined;
        record = await this.#control.next()
      ) {
        if (record.type !== RECORD.resize) throw badRecord(`a record of type ${record.type} to a process`);
        process.resize(decodeSize(record.payload));
      }
    } catch {
      // Broken off, or beyond help.
      if (!this.#over) this.end();
    }
  }

  #signalled(name: "TERM" | "KILL"): void {
    const process = this.#process;
    if (process === undefined || this.#over) return;
    if (name === "TERM") this.#kill.set(this.#service.options.killDelayMs);
    // Where there are no signals, the end of its stdin is all that can be said.
    process.signal(name).catch(() => process.stdin.destroy());
  }
}

function roomIn(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off("drain", done);
      sink.off("close", done);
      resolve();
    };
    sink.once("drain", done);
    sink.once("close", done);
    if (sink.closed) done();
  });
}
