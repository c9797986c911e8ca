// For commands that look at every process: whoever watched a daemon that crashed starts it again, so that what it kept
// comes back. One that was told to stop stays stopped.
import type { ControlClient, Push } from "@holdfast/control";
import type { DaemonClient } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { openDaemonOf } from "./open-daemon.ts";

export class DaemonKeeper {
  readonly #context: Context;
  readonly #narrate: boolean;
  /** Daemons that said that they end: at most those that were started while this command ran. */
  readonly #stopping = new Set<number>();
  #client: DaemonClient | undefined;
  #closed = false;

  constructor(context: Context, { narrate = true }: { readonly narrate?: boolean } = {}) {
    this.#context = context;
    this.#narrate = narrate;
  }

  /** A process said something. */
  hear(push: Push, { hello }: ControlClient): void {
    if (hello.command !== "daemon" || this.#closed) return;
    const ends =
      push.type === "event" && push.event.type === "daemon_state" && push.event.state === "stopping";
    if (ends) this.#stopping.add(hello.pid);
    if (!this.#stopping.has(hello.pid)) this.#keep();
  }

  /** A process has gone: whether it was a daemon that did not say so before, and is being started again. */
  hasCrashed({ hello }: ControlClient): boolean {
    return hello.command === "daemon" && !this.#stopping.has(hello.pid) && this.#client !== undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.close();
  }

  #keep(): void {
    if (this.#client !== undefined) return;
    const client = openDaemonOf(this.#context, { narrate: this.#narrate });
    this.#client = client;
    void client.ended.then(({ error }) => {
      // A daemon of another version is still looked at, only not kept.
      if (error?.code === "version_mismatch") return;
      this.#client = undefined;
    });
  }
}
