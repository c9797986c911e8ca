// What every long-running command has: a control host of its own, and one place that is told to stop.
import { openControl, type ControlHost } from "@holdfast/control";
import type { Context } from "./command.ts";
import type { Output } from "./terminal/output.ts";
import { unblock } from "./terminal/unblock.ts";
import { VERSION } from "./version.ts";

/** @throws HoldfastError as `openControl` does. */
export function openCommandControl(context: Context, command: string, name: string): Promise<ControlHost> {
  unblock(process.stdout);
  unblock(process.stderr);
  const { runtimeFolder } = context.paths;
  return openControl({ command, name, version: VERSION, runtimeFolder });
}

/** With --json, what subscribers hear is also what the reader of stdout gets. Returns the function that stops it. */
export function printEvents(host: ControlHost, output: Output): () => void {
  return host.onEvent((event) => output.line(event));
}

/** The first that happens: asked to stop by a signal or by `disconnect`. */
export class Stop {
  readonly asked: Promise<string>;
  #resolve: (reason: string) => void = () => undefined;
  #reason: string | undefined;

  constructor() {
    this.asked = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Why, once somebody asked. */
  get reason(): string | undefined {
    return this.#reason;
  }

  ask(reason: string): void {
    this.#reason ??= reason;
    this.#resolve(reason);
  }
}
