// A scene: its own home folders, its own processes, proxies and ports, and a check that nothing is left of them.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, type Machine } from "./command.ts";
import { endProcessesOf } from "./processes.ts";

export class Scene {
  readonly #root: string = mkdtempSync(join(tmpdir(), "holdfast-acceptance-"));
  /** Whose commands these are, unless told otherwise. */
  readonly home: string = this.folder("home");
  /** At most what the scene starts. */
  readonly #commands: Command[] = [];
  /** At most what the scene opens; closed last first. */
  readonly #closers: (() => Promise<void> | void)[] = [];

  /** Another home, for `HOLDFAST_HOME`: whoever runs there is somebody else. */
  anotherHome(name: string): string {
    return this.folder(`home-${name}`);
  }

  /** A folder for files that no command should find by itself. */
  folder(name: string): string {
    const path = join(this.#root, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /** A file of its own, readable by nobody else. */
  file(name: string, content: string): string {
    const path = join(this.#root, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** Start the command, which is killed when the scene ends if it still runs; `env` may name another home. */
  holdfast(args: readonly string[], env: Readonly<Record<string, string>> = {}, on?: Machine): Command {
    const command = new Command(this.home, args, env, on);
    this.#commands.push(command);
    return command;
  }

  /** Run the command to its end. */
  async run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    on?: Machine,
  ): Promise<Command> {
    const command = this.holdfast(args, env, on);
    await command.ended;
    return command;
  }

  onEnd(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** What is left in the runtime folders: sockets of processes that did not clean up. */
  leftSockets(folder: string = this.#root): string[] {
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? this.leftSockets(path) : entry.isSocket() ? [path] : [];
    });
  }

  async end(): Promise<void> {
    for (const command of this.#commands) if (command.running) await command.destroy();
    await endProcessesOf(this.#root);
    for (const close of this.#closers.reverse()) await close();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
