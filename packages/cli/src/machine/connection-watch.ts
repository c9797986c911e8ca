// One connection of the daemon's, as it stands: followed by its events, over crashes of the daemon.
import type { ConnectionEntry, Push } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import { describeState } from "../describe.ts";
import { entriesOfPush, removedBy } from "../entries-of-push.ts";
import { escapeText } from "../terminal/escape.ts";
import { formatDuration } from "../terminal/format.ts";

export interface WatchListener {
  /** It stands otherwise than before. */
  readonly onChange: (entry: ConnectionEntry) => void;
  /** Every event of it, as it came. */
  readonly onEvent?: (push: Extract<Push, { type: "event" }>) => void;
}

export class ConnectionWatch {
  readonly #client: DaemonClient;
  readonly #listener: WatchListener;
  readonly #stopListening: () => void;
  #entry: ConnectionEntry;
  #removed = false;
  #changed: () => void = () => undefined;

  constructor(client: DaemonClient, entry: ConnectionEntry, listener: WatchListener) {
    this.#client = client;
    this.#entry = entry;
    this.#listener = listener;
    this.#stopListening = client.listen({ topics: ["connection"], onPush: (push) => this.#hear(push) });
  }

  get entry(): ConnectionEntry {
    return this.#entry;
  }

  /** `connection 7: reconnecting in 4.2 s (attempt 3): connection refused` */
  get text(): string {
    return `connection ${this.#entry.id}: ${this.#removed ? "disconnected" : stateOf(this.#entry)}`;
  }

  /** What `text` is about: it is the same while nothing has happened but that time went by. */
  get matter(): string {
    return `${this.#removed} ${this.#entry.state} ${this.#entry.attempt}`;
  }

  /**
   * Resolves when there is a link.
   * @throws HoldfastError `timed_out`; `auth_required` or `disconnected`, when waiting does not help.
   */
  async untilConnected(waitMs: number): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#changed();
    }, waitMs);
    const ended = this.#client.ended.then(({ error }) => error);
    try {
      while (this.#entry.state !== "connected") {
        if (late) throw tooLate(this.#entry, waitMs);
        if (this.#removed) throw gone(this.#entry);
        checkHope(this.#entry);
        const change = new Promise<undefined>((resolve) => (this.#changed = () => resolve(undefined)));
        const lost = await Promise.race([change, ended]);
        if (lost !== undefined) throw lost;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** As the daemon sees it now: events do not tell each sign of life. */
  async refresh(): Promise<ConnectionEntry> {
    const control = await this.#client.control();
    const entry = await control.status(this.#entry.id);
    if (entry.type === "connection") this.#entry = entry;
    return this.#entry;
  }

  async reconnect(): Promise<void> {
    const control = await this.#client.control();
    await control.reconnect(this.#entry.id);
  }

  stop(): void {
    this.#stopListening();
  }

  #hear(push: Push): void {
    const { id } = this.#entry;
    if (push.type === "event" && push.event.id === id) this.#listener.onEvent?.(push);
    for (const entry of entriesOfPush(push)) {
      if (entry.type !== "connection" || entry.id !== id) continue;
      this.#entry = entry;
      this.#listener.onChange(entry);
      this.#changed();
    }
    if (removedBy(push) !== id) return;
    this.#removed = true;
    this.#changed();
  }
}

/** How a connection stands, in one phrase. */
export function stateOf(entry: ConnectionEntry): string {
  const remaining = entry.retry_at === null ? null : Date.parse(entry.retry_at) - Date.now();
  return describeState(entry, remaining);
}

/** @throws HoldfastError if it will not be connected by itself. */
function checkHope(entry: ConnectionEntry): void {
  const name = entry.name;
  if (entry.state === "auth_required") {
    const message = `the connection ${name} ${stateOf(entry)}`;
    const hint = `holdfast authenticate ${name} asks you for it`;
    throw new HoldfastError({ code: "auth_required", message, hint, kind: "unauthorized", fault: "peer" });
  }
  if (entry.state !== "disconnected") return;
  const message = `the connection ${name} is ${stateOf(entry)}`;
  const hint = `holdfast reconnect ${name} dials again`;
  throw new HoldfastError({ code: "disconnected", message, hint, fault: "network" });
}

function tooLate(entry: ConnectionEntry, waitMs: number): HoldfastError {
  const message = `the connection ${entry.name} was not there within ${formatDuration(waitMs)}: it is ${stateOf(entry)}`;
  const hint = "--wait makes it wait longer; holdfast status shows how it stands";
  return new HoldfastError({ code: "timed_out", message, hint });
}

function gone(entry: ConnectionEntry): HoldfastError {
  const message = `the connection ${escapeText(entry.name)} was ended`;
  return new HoldfastError({ code: "disconnected", message, kind: "fatal", fault: "local" });
}
