// A scene: its own home folder, its own processes, proxies and ports, and a check that nothing is left of them.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, type Machine } from "./command.ts";

export class Scene {
  readonly home: string = mkdtempSync(join(tmpdir(), "holdfast-acceptance-"));
  /** At most what the scene starts. */
  readonly #commands: Command[] = [];
  /** At most what the scene opens; closed last first. */
  readonly #closers: (() => Promise<void> | void)[] = [];

  /** Start the command; it is killed when the scene ends, if it still runs. */
  holdfast(args: readonly string[], env: Readonly<Record<string, string>> = {}, on?: Machine): Command {
    const command = new Command(this.home, args, env, on);
    this.#commands.push(command);
    return command;
  }

  /** Run the command to its end. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Command> {
    const command = this.holdfast(args, env);
    await command.ended;
    return command;
  }

  onEnd(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** What is left in the runtime folders: sockets of processes that did not clean up. */
  leftSockets(folder: string = this.home): string[] {
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? this.leftSockets(path) : entry.isSocket() ? [path] : [];
    });
  }

  async end(): Promise<void> {
    for (const command of this.#commands) if (command.running) await command.destroy();
    for (const close of this.#closers.reverse()) await close();
    rmSync(this.home, { recursive: true, force: true });
  }
}
