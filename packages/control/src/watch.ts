// All processes as one sequence: who is there, who comes, who goes, and what they report. A process that starts
// later is found by looking again, and one whose connection broke is dialled again.
import type { Clock } from "@holdfast/core";
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { dialControl, type ControlClient } from "./client.ts";
import type { Topic } from "./schemas/events.ts";
import type { Push } from "./schemas/messages.ts";
import { listSocketFiles, removeIfStale, type SocketFile } from "./socket-files.ts";

export interface WatchOptions {
  readonly runtimeFolder: string;
  /** Default `["all"]`. */
  readonly topics?: readonly Topic[];
  /** How often to look for new processes, in milliseconds. Default 250. */
  readonly intervalMs?: number;
  readonly onPush: (push: Push, client: ControlClient) => void;
  readonly onGone?: (client: ControlClient) => void;
  /** The folder cannot be used; the watch has ended. */
  readonly onError?: (error: HoldfastError) => void;
  readonly clock?: Clock;
}

export interface Watch {
  /** Settles when the processes that were there at the start have sent their snapshots, or did not answer. */
  readonly started: Promise<void>;
  close(): void;
}

/** Watch every process of this user until `close`. */
export function watchProcesses(options: WatchOptions): Watch {
  const watcher = new Watcher(options);
  return { started: watcher.look(), close: () => watcher.close() };
}

class Watcher {
  readonly #options: WatchOptions;
  /** One for each running process of this user. */
  readonly #clients = new Map<string, ControlClient | "dialing">();
  readonly #timer: ReturnType<Clock["timer"]>;
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#timer = (options.clock ?? systemClock).timer(() => void this.look());
  }

  async look(): Promise<void> {
    try {
      const files = await listSocketFiles(this.#options.runtimeFolder);
      const fresh = files.filter((file) => !this.#clients.has(file.path));
      await Promise.all(fresh.map((file) => this.#attach(file)));
    } catch (thrown) {
      this.close();
      this.#options.onError?.(HoldfastError.from(thrown));
    }
    if (!this.#closed) this.#timer.set(this.#options.intervalMs ?? 250);
  }

  close(): void {
    this.#closed = true;
    this.#timer.clear();
    for (const client of this.#clients.values()) if (client !== "dialing") client.close();
  }

  async #attach(file: SocketFile): Promise<void> {
    this.#clients.set(file.path, "dialing");
    // Pushes only come after `subscribe`, when the client is known.
    let client: ControlClient | undefined = undefined;
    let sawSnapshot: () => void = () => undefined;
    const snapshot = new Promise<void>((resolve) => (sawSnapshot = resolve));
    try {
      const onPush = (push: Push): void => {
        if (client !== undefined && !this.#closed) this.#options.onPush(push, client);
        if (push.type === "snapshot") sawSnapshot();
      };
      client = await dialControl(file.path, { onPush });
      if (this.#closed) return client.close();
      this.#clients.set(file.path, client);
      await client.subscribe(this.#options.topics ?? ["all"]);
      void client.closed.then(() => this.#gone(file));
      await Promise.race([snapshot, client.closed]);
    } catch (thrown) {
      client?.close();
      this.#clients.delete(file.path);
      if (HoldfastError.from(thrown).code === "connection_refused") await removeIfStale(file);
    }
  }

  #gone(file: SocketFile): void {
    const client = this.#clients.get(file.path);
    this.#clients.delete(file.path);
    if (client !== undefined && client !== "dialing" && !this.#closed) this.#options.onGone?.(client);
  }
}
