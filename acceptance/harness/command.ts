// The built command as a process of its own: its lines, its end, and nothing left of it.
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { OutputLine } from "@holdfast/control";
import { until } from "./condition.ts";

/** The command itself, never npx, whose child survives a kill. */
const MAIN = join(process.cwd(), "packages", "cli", "dist", "main.js");

export type Line<T extends OutputLine["type"]> = Extract<OutputLine, { type: T }>;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** From the start of the process. */
  readonly afterMs: number;
}

/** Where a command runs: this machine, or one of a network lab. */
export interface Machine {
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
}

const HERE: Machine = { spawn: (command, args, options) => spawn(command, args, options) };

export class Command {
  readonly name: string;
  readonly startedAt: number = performance.now();
  readonly ended: Promise<Ended>;
  /** Every JSON line so far, with the time of its arrival; at most what the process prints. */
  readonly lines: { readonly at: number; readonly line: OutputLine }[] = [];
  stderr = "";
  /** Every other line of its output. */
  text = "";
  end: Ended | undefined = undefined;
  readonly #child: ChildProcess;

  constructor(
    home: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    on: Machine = HERE,
  ) {
    this.name = args.join(" ");
    const clean = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !key.startsWith("HOLDFAST_")),
    );
    this.#child = on.spawn(process.execPath, [MAIN, ...args], {
      env: { ...clean, HOLDFAST_HOME: home, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error("no pipes");
    stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    createInterface({ input: stdout }).on("line", (text) => this.#read(text));
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        this.end = { code, signal, afterMs: performance.now() - this.startedAt };
        resolve(this.end);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.end === undefined;
  }

  /** It ends by itself. @throws Error with what it said, if it has not after `deadlineMs`. */
  async exits(deadlineMs = 30_000): Promise<Ended> {
    return until(`the end of \`holdfast ${this.name}\`\n${this.stderr}`, () => this.end, deadlineMs);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kill it without a chance to say goodbye, and wait until it is gone. */
  async destroy(): Promise<void> {
    if (this.running) this.kill("SIGKILL");
    await this.ended;
    if (existsSync(`/proc/${this.pid}`)) throw new Error(`process ${this.pid} is still there`);
  }

  /** A text is part of its output, outside of JSON lines. */
  async prints(text: string, deadlineMs?: number): Promise<void> {
    const what = `${JSON.stringify(text)} from \`holdfast ${this.name}\`\n${this.stderr}`;
    await until(what, () => this.text.includes(text), deadlineMs);
  }

  /** The first line of this type that fits, from `from` on. */
  async line<T extends OutputLine["type"]>(
    type: T,
    fits: (line: Line<T>) => boolean = () => true,
    { from = 0, deadlineMs = 30_000 }: { from?: number; deadlineMs?: number } = {},
  ): Promise<{ at: number; line: Line<T>; index: number }> {
    return until(
      `${type} from \`holdfast ${this.name}\`${this.stderr === "" ? "" : `\n${this.stderr}`}`,
      () => {
        for (let index = from; index < this.lines.length; index++) {
          const { at, line } = this.lines[index] as { at: number; line: OutputLine };
          if (line.type === type && fits(line as Line<T>)) return { at, line: line as Line<T>, index };
        }
        return undefined;
      },
      deadlineMs,
    );
  }

  #read(text: string): void {
    if (text.startsWith("{"))
      this.lines.push({ at: performance.now(), line: JSON.parse(text) as OutputLine });
    else this.text += `${text}\n`;
  }
}
