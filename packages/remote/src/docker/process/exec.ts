// One exec in a container. The engine says nothing at the end of its stream: a process that ended and an engine that
// was killed look the same, so the end is looked up, and without an exit code it counts as a loss.
import { Writable, type Duplex, type Readable } from "node:stream";
import type { Clock } from "@holdfast/core";
import type { Engine } from "../engine/engine.ts";
import type { ExecRequest } from "../engine/types.ts";
import { streamLost, type LinkLife } from "../life.ts";
import { keepReading } from "./keep-reading.ts";
import { Outputs } from "./outputs.ts";
import { pause } from "./pause.ts";

/** What every exec of a link needs. */
export interface ExecPlace {
  readonly engine: Engine;
  readonly container: string;
  readonly user: string | undefined;
  readonly clock: Clock;
  readonly life: LinkLife;
  readonly heard: () => void;
}

/** Some engines know of the end a moment after the stream has ended. */
const EXIT_CODE_WAITS_MS = [0, 10, 20, 50, 100, 200, 500, 1_000, 1_000, 1_000];

export class Exec {
  readonly id: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The exit code, once both outputs have come whole. Rejects with `link_lost`. Needs no handler. */
  readonly exited: Promise<number>;
  readonly #place: ExecPlace;
  readonly #outputs: Outputs;
  readonly #stream: Duplex;
  readonly #onEnd: (broken: string | undefined) => void;

  /** @throws HoldfastError `link_lost`, and what the engine says. */
  static async start(place: ExecPlace, request: ExecRequest): Promise<Exec> {
    const { engine, container, life } = place;
    const id = await engine.createExec(container, request, life.signal);
    const stream = await engine.startExec(id, request, life.signal);
    return new Exec(place, id, stream, request.terminal);
  }

  private constructor(place: ExecPlace, id: string, stream: Duplex, terminal: boolean) {
    this.#place = place;
    this.id = id;
    this.#stream = stream;
    keepReading(stream);
    let onEnd: (broken: string | undefined) => void = () => undefined;
    const ended = new Promise<string | undefined>((resolve) => (onEnd = resolve));
    this.#onEnd = onEnd;
    this.#outputs = new Outputs({ source: stream, terminal, heard: place.heard, onEnd });
    this.stdout = this.#outputs.stdout;
    this.stderr = this.#outputs.stderr;
    this.stdin = stdinOf(stream);
    this.exited = this.#exit(ended);
    this.exited.catch(() => undefined);
  }

  /** Nobody wants it any more: its streams end here, and its stdin there. */
  abandon(): void {
    this.#onEnd("nobody waits for it");
    this.#stream.destroy();
  }

  async #exit(ended: Promise<string | undefined>): Promise<number> {
    const { signal } = this.#place.life;
    const onLoss = (): void => this.#lose(signal.reason as Error);
    signal.addEventListener("abort", onLoss, { once: true });
    try {
      if (signal.aborted) throw signal.reason;
      const broken = await orAborted(ended, signal);
      if (broken !== undefined) throw streamLost(broken);
      const code = await this.#exitCode();
      this.#outputs.finish();
      return code;
    } catch (thrown) {
      const { ended: over } = this.#place.life;
      const reason = over ? (signal.reason as Error) : (thrown as Error);
      this.#lose(reason);
      throw reason;
    } finally {
      signal.removeEventListener("abort", onLoss);
      this.#stream.destroy();
      this.stdin.destroy();
    }
  }

  async #exitCode(): Promise<number> {
    const { engine, clock, life } = this.#place;
    for (const delayMs of EXIT_CODE_WAITS_MS) {
      if (delayMs > 0) await pause(clock, delayMs, life.signal);
      const { exitCode } = await engine.execState(this.id, life.signal).catch((error: unknown) => {
        throw streamLost("its end cannot be looked up", error);
      });
      if (exitCode !== undefined) return exitCode;
    }
    throw streamLost("it has no exit code");
  }

  #lose(reason: Error): void {
    this.#outputs.destroy(reason);
    this.stdin.destroy(reason);
    this.#stream.destroy();
  }
}

/** The half of the stream that goes there. What cannot be written any more is no failure: the process has ended. */
function stdinOf(stream: Duplex): Writable {
  let pending: (() => void) | undefined;
  const settle = (): void => {
    // The next write may begin within the call.
    const done = pending;
    pending = undefined;
    done?.();
  };
  stream.once("close", settle);
  const write = (chunk: Buffer, _: string, done: () => void): void => {
    if (stream.destroyed || stream.writableEnded || stream.errored !== null) return done();
    pending = done;
    stream.write(chunk, settle);
  };
  const final = (done: () => void): void => {
    stream.end();
    done();
  };
  return new Writable({ write, final }).on("error", () => undefined);
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    void promise.then((value) => {
      signal.removeEventListener("abort", onAbort);
      resolve(value);
    });
  });
}
