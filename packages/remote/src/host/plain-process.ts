// A process of this machine with three pipes.
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { Clock } from "@holdfast/core";
import { signalGroup, startChild, type Child } from "../children.ts";
import type { Process, ProcessEnd } from "../plugin/process.ts";
import { endGroup } from "./end-group.ts";
import type { HostLife } from "./host-life.ts";
import { guard, untilEnd } from "./process-end.ts";
import { signalOf } from "./signal-names.ts";
import { startFailure, type Program } from "./surroundings.ts";

/** Resolves when it runs. @throws HoldfastError `not_found`, `permission_denied`, `too_large` … */
export async function startPlain(program: Program, life: HostLife, clock: Clock): Promise<Process> {
  const { file, args, directory, environment } = program;
  const child = startChild(file, args, { directory, environment, detached: true });
  for (const stream of [child.stdin, child.stdout, child.stderr]) guard(stream);
  try {
    await once(child, "spawn");
  } catch (error) {
    throw startFailure(file, error);
  }
  return new PlainProcess(child, life, clock);
}

class PlainProcess implements Process {
  readonly stdin: Child["stdin"];
  // Streams of our own, because Node throws away what has not been read when a child exits.
  readonly stdout: PassThrough = guard(new PassThrough());
  readonly stderr: PassThrough = guard(new PassThrough());
  readonly ended: Promise<ProcessEnd>;
  readonly #child: Child;
  /** Whether there is anybody of its group: otherwise its number may be another's by now. */
  #group = true;

  constructor(child: Child, life: HostLife, clock: Clock) {
    this.#child = child;
    this.stdin = child.stdin;
    for (const [source, stream] of [
      [child.stdout, this.stdout],
      [child.stderr, this.stderr],
    ] as const) {
      source.pipe(stream);
      // A reader that goes is told to the process, which would wait for ever otherwise.
      stream.once("close", () => void (life.signal.aborted || source.destroy()));
    }
    child.once("exit", () => (this.#group = signalGroup(pidOf(child), 0)));
    const closed = new Promise<ProcessEnd>((resolve) => {
      child.once("close", (code: number | null, signal: string | null) => {
        resolve(signal === null ? { code: code ?? 0 } : { signal: signal.slice(3) });
      });
    });
    this.ended = untilEnd(closed, life, (reason) => {
      const outputs = [child.stdout, child.stderr];
      // It is not to die of a closed pipe while it cleans up: what it still says is read, and thrown away.
      for (const output of outputs) output.unpipe().resume();
      for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(reason);
      const left = life.leaving();
      const release = (): void => {
        for (const output of outputs) output.destroy();
        left();
      };
      if (this.#group) endGroup(pidOf(child), ["SIGTERM"], clock, release);
      else release();
    });
  }

  resize(): void {
    // There is no terminal.
  }

  async signal(name: string): Promise<void> {
    const signal = signalOf(name);
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) signalGroup(pidOf(this.#child), signal);
  }
}

/** It has one as soon as it was spawned. */
function pidOf({ pid }: Child): number {
  if (pid === undefined) throw new TypeError("the process was not started");
  return pid;
}
