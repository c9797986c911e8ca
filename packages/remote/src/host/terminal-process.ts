// A process of this machine on a terminal.
import { Readable } from "node:stream";
import { HoldfastError, type Clock } from "@holdfast/core";
import { signalGroup } from "../children.ts";
import type { Process, ProcessEnd, Terminal, TerminalSize } from "../plugin/process.ts";
import { endGroup } from "./end-group.ts";
import type { HostLife } from "./host-life.ts";
import { guard, untilEnd } from "./process-end.ts";
import { startPty, type Pty } from "./pty.ts";
import { PtyInput } from "./pty-input.ts";
import { PtyOutput } from "./pty-output.ts";
import { signalName, signalOf } from "./signal-names.ts";
import { findProgram, type Program } from "./surroundings.ts";

const MOST_SIZE = 65_535;

/** Resolves when it runs. @throws HoldfastError `not_found`, `permission_denied`, `bad_terminal`, `unsupported`. */
export async function startOnTerminal(
  program: Program,
  terminal: Terminal,
  life: HostLife,
  clock: Clock,
): Promise<Process> {
  if (!isSize(terminal)) {
    const message = `a terminal has from 1 to ${MOST_SIZE} rows and columns`;
    throw new HoldfastError({ code: "bad_terminal", message, kind: "fatal", fault: "local" });
  }
  // The library forks first, and what then cannot be executed looks like a program that failed.
  const file = await findProgram(program);
  return new TerminalProcess(await startPty(program, file, terminal), life, clock);
}

class TerminalProcess implements Process {
  readonly stdin: PtyInput;
  readonly stdout: PtyOutput;
  readonly stderr: Readable = guard(Readable.from([]));
  readonly ended: Promise<ProcessEnd>;
  readonly #pty: Pty;
  #running = true;
  /** Whether there is anybody of its group: otherwise its number may be another's by now. */
  #group = true;

  constructor(pty: Pty, life: HostLife, clock: Clock) {
    this.#pty = pty;
    const stdin = guard(new PtyInput(pty.descriptor, clock));
    this.stdin = stdin;
    const beforeClose = (idle: () => void): void => stdin.closeDescriptor(idle);
    const onExited = (): void => {
      this.#running = false;
      this.#group &&= signalGroup(pty.pid, 0);
    };
    const isRunning = (): boolean => signalGroup(pty.pid, 0);
    this.stdout = guard(new PtyOutput({ pty, clock, beforeClose, onExited, isRunning }));
    const exited = new Promise<ProcessEnd>((resolve) => {
      pty.onExit(({ exitCode, signal = 0 }) => {
        onExited();
        resolve(signal === 0 ? { code: exitCode } : { signal: signalName(signal) });
      });
    });
    this.ended = untilEnd(exited, life, (reason) => {
      for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(reason);
      // As if the terminal were hung up: a shell on a terminal does not listen to TERM alone.
      const left = life.leaving();
      const release = (): void => {
        this.stdout.closeNow();
        left();
      };
      if (this.#group) endGroup(pty.pid, ["SIGHUP", "SIGTERM"], clock, release);
      else release();
    });
  }

  resize(size: TerminalSize): void {
    if (!this.#running || this.#pty.socket.destroyed || !isSize(size)) return;
    this.#pty.resize(size.columns, size.rows);
  }

  async signal(name: string): Promise<void> {
    const signal = signalOf(name);
    if (this.#running) signalGroup(this.#pty.pid, signal);
  }
}

function isSize({ rows, columns }: TerminalSize): boolean {
  return [rows, columns].every((one) => Number.isInteger(one) && one >= 1 && one <= MOST_SIZE);
}
