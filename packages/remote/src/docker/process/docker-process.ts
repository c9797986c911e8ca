// A process of a machine by exec: started through the wrapper where the container has sh, by itself where it has none.
import type { Readable, Writable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { Process, ProcessEnd, ProcessRequest, TerminalSize } from "../../plugin/process.ts";
import type { Surroundings } from "../container/probe.ts";
import { peerText, quoted } from "../../plugin/peer-text.ts";
import { Exec, type ExecPlace } from "./exec.ts";
import { firstLine } from "./first-line.ts";
import { pause } from "./pause.ts";
import { run } from "./run.ts";
import { endOfExitCode, isSignalName } from "./signal-names.ts";
import { environmentOf, MOST_HEADER_BYTES, processIdOf, programOf, wrapped } from "./wrapper.ts";

/** For the first line of the wrapper. */
const START_TIMEOUT_MS = 30_000;
/** To the whole group, as a terminal would; else to the process alone. */
const KILL = 'kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2"';
const NOT_STARTED = new Set([126, 127]);

/** @throws HoldfastError as `Machine.start`. */
export async function startProcess(
  place: ExecPlace,
  surroundings: Surroundings,
  request: ProcessRequest,
): Promise<DockerProcess> {
  const environment = environmentOf(request);
  const terminal = request.terminal !== undefined;
  const asked = { environment, user: place.user, terminal, stdin: true };
  const { shell } = surroundings;
  if (shell === undefined) return startBare(place, request, asked);
  const command = wrapped(request, programOf(request.command, shell));
  const exec = await Exec.start(place, { ...asked, command, directory: undefined });
  try {
    // The wrapper sizes the terminal where there is stty; a process that has ended by now has no size.
    if (request.terminal !== undefined) await resize(place, exec, request.terminal).catch(unlessLost(place));
    const line = await inTime(place, firstLine(exec.stdout, MOST_HEADER_BYTES));
    return new DockerProcess(place, exec, processIdOf(line, request), terminal);
  } catch (thrown) {
    exec.abandon();
    throw thrown;
  }
}

export class DockerProcess implements Process {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ended: Promise<ProcessEnd>;
  readonly #place: ExecPlace;
  readonly #exec: Exec;
  /** In the container; undefined if it has no sh to tell. */
  readonly pid: number | undefined;
  readonly #terminal: boolean;
  #over = false;

  constructor(place: ExecPlace, exec: Exec, pid: number | undefined, terminal: boolean) {
    this.#place = place;
    this.#exec = exec;
    this.pid = pid;
    this.#terminal = terminal;
    this.stdin = exec.stdin;
    this.stdout = exec.stdout;
    this.stderr = exec.stderr;
    this.ended = exec.exited.then(endOfExitCode).finally(() => (this.#over = true));
    this.ended.catch(() => undefined);
  }

  resize(size: TerminalSize): void {
    if (!this.#terminal || this.#over) return;
    // It may have ended just now; then nobody looks at its size.
    resize(this.#place, this.#exec, size).catch(() => undefined);
  }

  async signal(name: string): Promise<void> {
    if (!isSignalName(name)) {
      throw unsupported(`there is no signal ${quoted(name)}`, "name it as in TERM, KILL, INT");
    }
    this.#place.life.check();
    if (this.#over) return;
    if (this.pid === undefined) throw unsupported("this container has no sh to send signals with");
    const { code, stderr } = await run(this.#place, ["sh", "-c", KILL, "holdfast", name, String(this.pid)]);
    if (code === 0 || this.#over || /no such process/i.test(stderr)) return;
    const denied = /not permitted/i.test(stderr);
    const message = `signal ${name} was not sent: ${peerText(stderr.trim())}`;
    throw new HoldfastError({
      code: denied ? "permission_denied" : "failed",
      message,
      kind: "fatal",
      fault: "peer",
    });
  }

  /** Nobody waits for it: its streams end, and it is told to. */
  async abandon(): Promise<void> {
    if (!this.#over && !this.#place.life.ended && this.pid !== undefined) {
      await this.signal("KILL").catch(() => undefined);
    }
    this.#exec.abandon();
  }
}

/** Without sh: no shell lines, no signals; what fails to start is known by its exit code. */
async function startBare(
  place: ExecPlace,
  { command, directory, terminal: size }: ProcessRequest,
  asked: { environment: readonly string[]; user: string | undefined; terminal: boolean; stdin: boolean },
): Promise<DockerProcess> {
  if (typeof command !== "object") {
    throw unsupported("this container has no sh, so it can run programs, but no shell lines");
  }
  const exec = await Exec.start(place, { ...asked, command, directory });
  try {
    if (size !== undefined) await resize(place, exec, size).catch(unlessLost(place));
    const { exitCode } = await place.engine.execState(exec.id, place.life.signal);
    if (exitCode !== undefined && NOT_STARTED.has(exitCode)) {
      const message = `the program was not found, or may not be run: ${quoted(command[0])}`;
      const code = exitCode === 126 ? "permission_denied" : "not_found";
      throw new HoldfastError({ code, message, kind: "fatal", fault: "peer" });
    }
    return new DockerProcess(place, exec, undefined, asked.terminal);
  } catch (thrown) {
    exec.abandon();
    throw thrown;
  }
}

function resize({ engine, life }: ExecPlace, exec: Exec, size: TerminalSize): Promise<void> {
  return engine.resizeExec(exec.id, size, life.signal);
}

function unlessLost({ life }: ExecPlace): (thrown: unknown) => void {
  return (thrown) => {
    if (life.ended || (thrown as HoldfastError).code === "engine_unreachable") throw thrown;
  };
}

async function inTime<T>({ clock, life }: ExecPlace, promise: Promise<T>): Promise<T> {
  const over = new AbortController();
  const message = `the process did not start within ${START_TIMEOUT_MS / 1_000} s`;
  const late = pause(clock, START_TIMEOUT_MS, over.signal).then(() => {
    throw new HoldfastError({ code: "timed_out", message, fault: "peer" });
  });
  try {
    return await Promise.race([promise, late]);
  } catch (thrown) {
    throw life.ended ? life.signal.reason : thrown;
  } finally {
    over.abort();
  }
}

/** What this engine, or this container, cannot do. */
export function unsupported(message: string, hint?: string): HoldfastError {
  return new HoldfastError({ code: "unsupported", message, hint, kind: "fatal", fault: "peer" });
}
