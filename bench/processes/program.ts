// A program that is measured: a process of its own whose output goes to a file, so that reading it costs the
// measurement nothing, and of which nothing is left in the end.
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./condition.ts";
import { diesWithUs } from "./guard.ts";

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Where its output is kept. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Of one process, in bytes. */
export interface Memory {
  /** All that is resident, shared executables included. */
  readonly resident: number;
  /** What belongs to it alone. */
  readonly anonymous: number;
}

const CLOCK_TICKS_PER_SECOND = 100;

let started = 0;

export class Program {
  readonly name: string;
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #file: string;
  #running = true;

  constructor({ command, args, folder, env = {} }: ProgramOptions) {
    this.name = [command.split("/").at(-1), ...args].join(" ");
    started += 1;
    this.#file = join(folder, `${started}.log`);
    const output = openSync(this.#file, "w");
    this.#child = spawn(command, args, {
      env: { ...cleanEnvironment(), ...env },
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    diesWithUs(this.#child);
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.#running = false;
        resolve(code);
      };
      this.#child.once("exit", end).once("error", () => end(null));
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Everything that it printed so far. */
  get output(): string {
    return readFileSync(this.#file, "utf8");
  }

  /** Wait until it prints something that fits. @throws Error with its output, if it ends before or takes too long. */
  async says(pattern: RegExp, deadlineMs = 30_000): Promise<RegExpExecArray> {
    return until(
      `${String(pattern)} from \`${this.name}\``,
      () => {
        const found = pattern.exec(this.output);
        if (found !== null) return found;
        if (!this.#running) throw new Error(`\`${this.name}\` ended:\n${this.output}`);
        return undefined;
      },
      deadlineMs,
    );
  }

  /** The processor time that it has used, in seconds. */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }

  memory(): Memory {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
    return { resident: field("VmRSS"), anonymous: field("RssAnon") };
  }

  /** Kill it without a chance to say goodbye, and wait until it is gone. */
  async kill(): Promise<void> {
    if (this.#running) this.#child.kill("SIGKILL");
    await this.ended;
  }
}

/** Nothing of the user's own settings may change what is measured. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(HOLDFAST_|BORE_|RUST_LOG|NODE_OPTIONS|HTTPS?_PROXY|NO_PROXY)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
