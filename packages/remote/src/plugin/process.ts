// A process on a machine: its three streams, its terminal if it has one, and how it ended.
import type { Readable, Writable } from "node:stream";

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface Terminal extends TerminalSize {
  /** The value of `TERM`. Default `xterm-256color`. */
  readonly type?: string;
}

export interface ProcessRequest {
  /** A line for the user's shell, or a program with its arguments, which no shell looks at. None: a login shell. */
  readonly command: string | readonly [program: string, ...args: string[]] | undefined;
  /** Default: where the plugin's processes start. */
  readonly directory?: string;
  /** Added to what the far side gives. Names of letters, digits and `_`; any other is `bad_environment`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** With a terminal, stdout and stderr are one. */
  readonly terminal?: Terminal;
}

/** How a process ended. `signal` is a name such as `TERM`; the code is then undefined. */
export type ProcessEnd =
  | { readonly code: number; readonly signal?: undefined }
  | { readonly code?: undefined; readonly signal: string };

export interface Process {
  /** End it to close the process's stdin. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Ends at once if there is a terminal. */
  readonly stderr: Readable;
  /**
   * How it ended, after the last byte of both outputs can be read. Rejects with `link_lost` if the link ended first:
   * then nobody knows, and it may still be running. Nobody needs to handle the rejection.
   */
  readonly ended: Promise<ProcessEnd>;
  /** Does nothing without a terminal, or after the end. */
  resize(size: TerminalSize): void;
  /**
   * `TERM`, `KILL`, `INT` … To the process, or its group. Does nothing after the end.
   * @throws HoldfastError `bad_signal` for a name that is none; `unsupported` if this plugin, or its far side, cannot.
   */
  signal(name: string): Promise<void>;
}
