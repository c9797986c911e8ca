// Programs of others as processes: where they are, what they print, how they end.
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { until } from "./condition.ts";
import type { Machine } from "./command.ts";
import type { Scene } from "./scene.ts";

/** Servers are often not on the path of users. */
const SYSTEM_FOLDERS: readonly string[] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The absolute path of a program; `undefined` if it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A program that runs until the scene ends. Its input is open, so that an act can speak to it. */
export class Program {
  readonly name: string;
  readonly ended: Promise<number | null>;
  stdout = "";
  stderr = "";
  /** When the last of its output came. */
  heardAt = 0;
  /** `undefined` while it runs. */
  exitCode: number | null | undefined = undefined;
  readonly #child: ChildProcess;

  constructor(scene: Scene, name: string, args: readonly string[], on: Machine = HERE) {
    this.name = [name, ...args].join(" ");
    const path = findProgram(name);
    if (path === undefined) throw new Error(`${name} is not installed`);
    this.#child = on.spawn(path, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.heardAt = performance.now();
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => resolve((this.exitCode = code));
      this.#child.once("close", end).once("error", () => end(null));
    });
    scene.onEnd(() => this.kill());
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  say(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Its input ends. */
  sayNoMore(): void {
    this.#child.stdin?.end();
  }

  async says(text: string, deadlineMs?: number): Promise<void> {
    const said = (): boolean => `${this.stdout}${this.stderr}`.includes(text);
    await until(`${JSON.stringify(text)} from \`${this.name}\`\n${this.stderr}`, said, deadlineMs);
  }

  /** @throws Error with its output, if it takes longer. */
  async exits(deadlineMs?: number): Promise<number | null> {
    await until(`the end of \`${this.name}\``, () => this.exitCode !== undefined, deadlineMs);
    return this.exitCode ?? null;
  }

  /** Without a chance to say goodbye, and wait until it is gone. */
  async kill(): Promise<void> {
    if (this.exitCode === undefined) this.#child.kill("SIGKILL");
    await this.ended;
  }
}

const HERE: Machine = {
  spawn: (command: string, args: readonly string[], options: SpawnOptions) => spawn(command, args, options),
};
