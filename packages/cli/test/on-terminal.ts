// A program on a real terminal, whose keys and size a test has in its hands. The terminal is one of the library's own.
import { hostPlugin, openConnection, pluginRegistry, type Process } from "@holdfast/remote";
import { onTestFinished, vi } from "vitest";
import { PATIENCE } from "./command.ts";

/** How often something is typed again. */
const AGAIN_MS = 500;

export interface OnTerminal {
  /** All that the terminal has shown. */
  readonly shown: string;
  type(text: string): void;
  resize(rows: number, columns: number): void;
  /** The match, as soon as the terminal shows it; only what came behind the last match counts. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  /** Type it again and again until the terminal shows this: for what takes effect some time later. */
  typeUntil(text: string, pattern: RegExp): Promise<void>;
  readonly ended: Process["ended"];
}

export interface OnTerminalOptions {
  readonly home: string;
  readonly rows?: number;
  readonly columns?: number;
}

/** Run a line for `sh` on a terminal. What is left of it at the end of the test is killed. */
export async function onTerminal(line: string, options: OnTerminalOptions): Promise<OnTerminal> {
  const { home, rows = 30, columns = 100 } = options;
  const connection = await openConnection({
    id: "terminal",
    destination: "host://localhost",
    plugins: pluginRegistry([hostPlugin()]),
    environment: { PATH: process.env["PATH"], HOME: home },
  });
  onTestFinished(() => connection.close());
  const machine = await connection.machine();
  const program = await machine.start({
    command: ["/bin/sh", "-c", line],
    environment: { HOLDFAST_HOME: home, PS1: "$ " },
    terminal: { rows, columns, type: "xterm" },
  });
  let shown = "";
  let seen = 0;
  program.stdout.on("data", (piece: Buffer) => (shown += piece.toString("latin1")));
  const find = (pattern: RegExp): RegExpExecArray => {
    const match = pattern.exec(shown.slice(seen));
    if (match === null) throw new Error(`not yet ${pattern} in:\n${JSON.stringify(shown.slice(seen))}`);
    seen += match.index + match[0].length;
    return match;
  };
  return {
    get shown() {
      return shown;
    },
    type: (text) => void program.stdin.write(text),
    resize: (newRows, newColumns) => program.resize({ rows: newRows, columns: newColumns }),
    shows: (pattern) => vi.waitFor(() => find(pattern), PATIENCE),
    typeUntil: async (text, pattern) => {
      const type = (): void => void program.stdin.write(text);
      const again = setInterval(type, AGAIN_MS);
      try {
        type();
        await vi.waitFor(() => find(pattern), PATIENCE);
      } finally {
        clearInterval(again);
      }
    },
    ended: program.ended,
  };
}
