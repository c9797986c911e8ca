// Starts the programs of a bench, and ends them all.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { Program } from "../processes/program.ts";

const root = join(import.meta.dirname, "..", "..", "..");
/** The command itself, never npx, whose child survives a kill. */
export const HOLDFAST: string = join(root, "packages", "cli", "dist", "main.js");

export class Stage {
  /** Where outputs, settings and control sockets are. */
  readonly folder: string;
  /** At most what the bench starts. */
  readonly #programs: Program[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    const program = new Program({ command, args, folder: this.folder, env });
    this.#programs.push(program);
    return program;
  }

  /** A place for the key, the leases and the control socket of one program, as if it were another user's. */
  newHome(): string {
    return mkdtempSync(join(this.folder, "home-"));
  }

  holdfast(args: readonly string[], home: string = this.newHome()): Program {
    return this.start(process.execPath, [HOLDFAST, ...args], { HOLDFAST_HOME: home });
  }

  /** A program of this bench. */
  own(file: string, args: readonly string[] = []): Program {
    return this.start(process.execPath, [join(import.meta.dirname, file), ...args]);
  }

  /** A program of another folder of the benches. */
  run(path: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Program {
    return this.start(process.execPath, [join(import.meta.dirname, "..", path), ...args], env);
  }

  async end(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()));
    this.#programs.length = 0;
  }
}
