// The one file that knows @lydell/node-pty, loaded when the first terminal is asked for. It gives its process a
// terminal and reports its end; bytes go around it, because three things below 1.1.0 are not good enough:
// - A write to a terminal whose program does not read spins inside libuv, and nothing else runs: input is written to
//   the descriptor, which refuses instead (`EAGAIN`), and is tried again.
// - When the program has hung up, libuv reports the end before all is read, and what was read and not taken is dropped:
//   the socket's `destroy` waits, and the rest is read from the descriptor.
// - 200 ms after the exit the rest is dropped, too: it is waited for while it comes.
import type { ReadStream } from "node:tty";
import type * as NodePty from "@lydell/node-pty";
import { HoldfastError } from "@holdfast/core";
import type { Terminal } from "../plugin/process.ts";
import type { Program } from "./surroundings.ts";

/** A process on a terminal, as far as the library is needed for it. */
export interface Pty {
  readonly pid: number;
  /** The terminal's near end; closed when `socket` is. */
  readonly descriptor: number;
  readonly socket: ReadStream;
  /** Called once, after the socket was closed. */
  onExit(report: (exit: { readonly exitCode: number; readonly signal?: number }) => void): void;
  resize(columns: number, rows: number): void;
}

/** What the library has, and does not declare. */
interface Undeclared {
  readonly fd?: number;
  readonly _socket?: ReadStream;
}

const DEFAULT_TERMINAL = "xterm-256color";

/** @throws HoldfastError `unsupported`: the library has no build for this system. */
export async function startPty(program: Program, file: string, terminal: Terminal): Promise<Pty> {
  const { spawn } = await load();
  const pty: NodePty.IPty & Undeclared = spawn(file, [...program.args], {
    name: terminal.type ?? DEFAULT_TERMINAL,
    cols: terminal.columns,
    rows: terminal.rows,
    cwd: program.directory,
    env: program.environment,
    // Bytes, not text.
    encoding: null,
  });
  const { fd, _socket: socket } = pty;
  if (fd === undefined || socket === undefined) {
    pty.kill("SIGKILL");
    throw unsupported("the terminal library is another version than the one that this was written for");
  }
  return {
    pid: pty.pid,
    descriptor: fd,
    socket,
    onExit: (report) => void pty.onExit(report),
    resize: (columns, rows) => pty.resize(columns, rows),
  };
}

async function load(): Promise<typeof NodePty> {
  try {
    return await import("@lydell/node-pty");
  } catch (cause) {
    throw unsupported("terminals need @lydell/node-pty, which has no build for this system", cause);
  }
}

function unsupported(message: string, cause?: unknown): HoldfastError {
  const hint = "start the process without a terminal";
  return new HoldfastError({ code: "unsupported", message, hint, kind: "fatal", fault: "local", cause });
}
