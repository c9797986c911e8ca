// The built command with bytes instead of text on its streams, for what must pass unchanged.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import { PATIENCE } from "./command.ts";

export const MAIN: string = fileURLToPath(new URL("../dist/main.js", import.meta.url));

export interface RawFinished {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export class RawRun {
  readonly child: ChildProcessWithoutNullStreams;
  readonly finished: Promise<RawFinished>;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #seen = 0;

  constructor(child: ChildProcessWithoutNullStreams, paused: boolean) {
    this.child = child;
    child.stdin.on("error", () => undefined);
    child.stderr.on("data", (piece: Buffer) => void this.#stderr.push(piece));
    if (paused) child.stdout.once("readable", () => undefined);
    else this.read();
    this.finished = new Promise((resolve) => {
      child.once("close", (code) => {
        resolve({ code, stdout: Buffer.concat(this.#stdout), stderr: Buffer.concat(this.#stderr) });
      });
    });
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await this.finished;
    });
  }

  /** How much of stdout was read so far. */
  get bytes(): number {
    return this.#stdout.reduce((sum, piece) => sum + piece.length, 0);
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** Begin to read stdout. */
  read(): void {
    this.child.stdout.on("data", (piece: Buffer) => void this.#stdout.push(piece)).resume();
  }

  /** Resolves when stdout has this text, behind what was seen before. */
  async says(text: string): Promise<void> {
    await vi.waitFor(() => {
      const all = Buffer.concat(this.#stdout).toString();
      const at = all.indexOf(text, this.#seen);
      if (at === -1) throw new Error(`not yet ${text} in:\n${all}\n${this.stderr}`);
      this.#seen = at + text.length;
    }, PATIENCE);
  }
}

export function startBytes(
  args: readonly string[],
  home: string,
  { paused = false }: { readonly paused?: boolean } = {},
): RawRun {
  const env = { PATH: process.env["PATH"], HOME: home, HOLDFAST_HOME: home };
  return new RawRun(spawn(process.execPath, [MAIN, ...args], { env, cwd: home }), paused);
}
