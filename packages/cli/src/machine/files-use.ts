// The files of a machine, for one command: what only looks is asked again over a lost link or a daemon that crashed; what
// changes something is not, because it may have been done.
import { HoldfastError } from "@holdfast/core";
import type { Files } from "@holdfast/remote";
import { openRemoteMachine, type RemoteMachine } from "@holdfast/remote/client";
import { callerEnvironment } from "../remote/caller-environment.ts";
import { reach, type Reached, type ReachOptions } from "./reach.ts";

/** The link, or the daemon, was lost in the middle. */
const LOST: ReadonlySet<string> = new Set(["link_lost", "not_connected", "daemon_lost"]);
/** A request that is lost as often as this may be what the link dies of. */
const MOST_ASKS = 5;

export interface FilesUse {
  /** @throws HoldfastError what the machine says; as `reach` does. */
  look<T>(read: (files: Files, again: boolean) => Promise<T>): Promise<T>;
  /** @throws HoldfastError what the machine says; `interrupted` if nobody knows whether it was done. */
  change<T>(write: (files: Files) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** @throws HoldfastError as `reach` does. */
export async function openFiles(options: ReachOptions): Promise<FilesUse> {
  return new Use(options, await reach(options));
}

class Use implements FilesUse {
  readonly #options: ReachOptions;
  readonly #reached: Reached;
  #remote: RemoteMachine;

  constructor(options: ReachOptions, reached: Reached) {
    this.#options = options;
    this.#reached = reached;
    this.#remote = reached.remote;
  }

  async look<T>(read: (files: Files, again: boolean) => Promise<T>): Promise<T> {
    for (let asked = 1; ; asked++) {
      try {
        if (asked > 1) await this.#again();
        return await read(this.#remote.machine.files, asked > 1);
      } catch (thrown) {
        if (asked === MOST_ASKS || !this.#isLost(thrown)) throw thrown;
      }
    }
  }

  async change<T>(write: (files: Files) => Promise<T>): Promise<T> {
    try {
      return await write(this.#remote.machine.files);
    } catch (thrown) {
      if (!this.#isLost(thrown)) throw thrown;
      const cause = HoldfastError.from(thrown);
      throw new HoldfastError({
        code: "interrupted",
        message: `the connection ${this.#reached.watch.entry.name} was lost in the middle of it: nobody knows how far it came`,
        hint: "look at the files before you do it again",
        cause,
      });
    }
  }

  async close(): Promise<void> {
    await this.#reached.close();
    if (this.#remote !== this.#reached.remote) await this.#remote.close();
  }

  #isLost(thrown: unknown): boolean {
    return this.#remote.failure !== undefined || LOST.has(HoldfastError.from(thrown).code);
  }

  /** Another link, or another daemon. */
  async #again(): Promise<void> {
    const { context, client, entry, waitMs } = this.#options;
    await this.#reached.watch.untilConnected(waitMs);
    if (this.#remote.failure === undefined) return;
    const environment = callerEnvironment(context.env);
    const lost = this.#remote;
    this.#remote = await openRemoteMachine({ client, id: entry.id, environment });
    await lost.close();
  }
}
