// The processes that were started and have not ended, by their ids.
import type { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { Process, ProcessEnd, ProcessRequest } from "../../plugin/process.ts";
import type { ApiLimits } from "../limits.ts";
import type { MachineUse } from "../machine/machine-use.ts";
import { OK, type Answer, type Notice } from "../wire/answers.ts";
import { apiError, badInput, overLimit, processLostFailure } from "../wire/errors.ts";
import type { ProcSpawn, PtySize, ToProcess } from "../wire/requests.ts";
import { Feed } from "./feed.ts";
import type { Ids } from "./ids.ts";
import type { Outcome, Tell } from "./outcome.ts";

/** What is said of a process whose end nobody knows. */
const LOST_CODE = 255;

interface Running {
  readonly process: Process;
  readonly feed: Feed;
  readonly hasTerminal: boolean;
}

export class Processes {
  readonly #ids: Ids;
  readonly #limits: ApiLimits;
  /** At most `limits.processes`. */
  readonly #running = new Map<number, Running>();
  /** Those that are being started; with the running ones at most `limits.processes`. */
  #starting = 0;
  #onEmpty: () => void = () => undefined;

  constructor(ids: Ids, limits: ApiLimits) {
    this.#ids = ids;
    this.#limits = limits;
  }

  /** @throws HoldfastError `limit`, and as `Machine.start` does. */
  async spawn(use: MachineUse, request: ProcSpawn, tell: Tell): Promise<Outcome> {
    const { processes } = this.#limits;
    if (this.#running.size + this.#starting >= processes) {
      throw overLimit("processes", processes, "wait until one has ended");
    }
    this.#starting += 1;
    try {
      const process = await use.change((machine) => machine.start(startOf(request)));
      return this.#keep(process, request, tell);
    } finally {
      this.#starting -= 1;
      this.#left();
    }
  }

  /** What is written in one order arrives in that order: nothing here waits before it hands the bytes on. */
  async write({ id, data, end }: ToProcess): Promise<Answer> {
    await this.#of(id).feed.write(data, end);
    return OK;
  }

  async kill(id: number): Promise<Answer> {
    await this.#of(id).process.signal("KILL");
    return OK;
  }

  resize(id: number, { rows, cols }: PtySize): Answer {
    const { process, hasTerminal } = this.#of(id);
    if (!hasTerminal) throw badInput(`process ${id} has no terminal: it was started without pty`);
    process.resize({ rows, columns: cols });
    return OK;
  }

  /** Nobody will write to them any more. */
  endInputs(): void {
    for (const { feed } of this.#running.values()) feed.end();
  }

  /** When none is left. */
  async ended(): Promise<void> {
    if (this.#running.size + this.#starting === 0) return;
    await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  killAll(): void {
    for (const { process } of this.#running.values()) kill(process);
  }

  #keep(process: Process, { pty }: ProcSpawn, tell: Tell): Outcome {
    const id = this.#ids.next();
    // They may break before anybody reads them; whoever does then hears of it.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
    const feed = new Feed(process.stdin, this.#limits.inputBytes, `process ${id}`);
    this.#running.set(id, { process, feed, hasTerminal: pty !== undefined });
    const forget = (): void => {
      this.#running.delete(id);
      this.#left();
    };
    return {
      answer: { type: "proc_spawned", id },
      follow: () => void this.#follow(id, process, tell).finally(forget),
      discard: () => {
        kill(process);
        void drain(process).finally(forget);
      },
    };
  }

  /** What it says, and at last how it ended. */
  async #follow(id: number, process: Process, tell: Tell): Promise<void> {
    const pass = async (stream: Readable, type: "proc_stdout" | "proc_stderr"): Promise<void> => {
      for await (const piece of stream as AsyncIterable<Buffer>) await tell({ type, id, data: piece });
    };
    const passed = [pass(process.stdout, "proc_stdout"), pass(process.stderr, "proc_stderr")];
    const [end, ...outputs] = await Promise.allSettled([process.ended, ...passed]);
    const broken = [end, ...outputs].find((one) => one.status === "rejected");
    if (broken === undefined && end.status === "fulfilled") return tell(doneOf(id, end.value));
    await this.#lost(id, HoldfastError.from(broken?.reason), tell);
  }

  async #lost(id: number, failure: HoldfastError, tell: Tell): Promise<void> {
    const error = apiError(processLostFailure(failure));
    await tell({ type: "proc_stderr", id, data: Buffer.from(`holdfast: ${error.description}\n`) });
    await tell({ type: "proc_done", id, success: false, code: LOST_CODE, error });
  }

  #of(id: number): Running {
    const found = this.#running.get(id);
    if (found !== undefined) return found;
    const message = `there is no process ${id}: it has ended, or never was`;
    throw new HoldfastError({ code: "not_found", message, kind: "fatal", fault: "local" });
  }

  #left(): void {
    if (this.#running.size + this.#starting === 0) this.#onEmpty();
  }
}

function startOf({ cmd, environment, current_dir, pty }: ProcSpawn): ProcessRequest {
  return {
    command: cmd,
    environment,
    ...(current_dir !== undefined && { directory: current_dir }),
    ...(pty !== undefined && { terminal: { rows: pty.rows, columns: pty.cols } }),
  };
}

function doneOf(id: number, { code }: ProcessEnd): Notice {
  return { type: "proc_done", id, success: code === 0, ...(code !== undefined && { code }) };
}

function kill(process: Process): void {
  // Where it cannot be signalled it ends with its link.
  process.signal("KILL").catch(() => undefined);
}

async function drain({ stdout, stderr, ended }: Process): Promise<void> {
  stdout.resume();
  stderr.resume();
  await ended.catch(() => undefined);
}
