// A forward that this command asked the daemon for, looked at until it ends. After a crash of the daemon it is asked for
// again, with the same key.
import type { ConnectionEntry, ForwardEntry, Push, Request } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import { entriesOfPush, removedBy, saysGone } from "../entries-of-push.ts";
import { errorOfFailure, localError } from "./failure.ts";

export interface KeepForwardOptions {
  readonly request: Extract<Request, { type: "forward" }>;
  /** It stands otherwise than before. */
  readonly onForward: (entry: ForwardEntry) => void;
  /** So does what it runs over. */
  readonly onConnection: (entry: ConnectionEntry) => void;
  /** Each event of the two. */
  readonly onPush?: (push: Push) => void;
}

export class KeptForward {
  /** Its first state that says something: it listens, or waits for a link. Rejects with why it could not be opened. */
  readonly opened: Promise<ForwardEntry>;
  /** Settles when it has ended: closed by somebody, or lost with the daemon (an error). */
  readonly ended: Promise<HoldfastError | undefined>;
  readonly #client: DaemonClient;
  readonly #options: KeepForwardOptions;
  readonly #stopListening: () => void;
  /** What pushes said before it was known which one is ours: at most the forwards of the daemon. */
  readonly #seen = new Map<number, ForwardEntry>();
  #open: (entry: ForwardEntry) => void = () => undefined;
  #refuse: (failure: HoldfastError) => void = () => undefined;
  #end: (failure: HoldfastError | undefined) => void = () => undefined;
  #id: number | undefined;
  #wasOpen = false;
  #daemonStops = false;

  constructor(client: DaemonClient, options: KeepForwardOptions) {
    this.#client = client;
    this.#options = options;
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#stopListening = client.listen({
      topics: ["forward", "connection", "daemon"],
      onPush: (push) => this.#hear(push),
      onAway: () => (this.#id = undefined),
      onBack: () => void this.#begin(),
    });
    void client.ended.then(({ error }) => this.#fail(error ?? closed()));
    void this.#begin();
  }

  /** Close it, if it does not stay by itself. */
  async close(): Promise<void> {
    this.#stopListening();
    const id = this.#id;
    if (id === undefined) return;
    const control = await this.#client.control(AbortSignal.timeout(1_000));
    await control.disconnect(id);
  }

  stop(): void {
    this.#stopListening();
  }

  /** Make what it runs over dial now. */
  async reconnect(): Promise<void> {
    const control = await this.#client.control(AbortSignal.timeout(1_000));
    await control.reconnect(this.#options.request.connection);
  }

  async #begin(): Promise<void> {
    try {
      const { id } = await this.#client.ask<"forward">(this.#options.request);
      this.#id = id;
      this.#daemonStops = false;
      const control = await this.#client.control();
      const entry = await control.status(id).catch(() => this.#seen.get(id));
      if (entry?.type === "forward") this.#look(entry);
    } catch (thrown) {
      this.#fail(localError(thrown));
    }
  }

  #hear(push: Push): void {
    for (const entry of entriesOfPush(push)) {
      if (entry.type === "daemon") this.#daemonStops = entry.state === "stopping";
      else if (entry.type === "forward") this.#seen.set(entry.id, entry);
      if (entry.type === "forward" && entry.id === this.#id) this.#look(entry);
      if (entry.type === "connection" && entry.id === this.#options.request.connection) {
        this.#options.onConnection(entry);
      }
    }
    if (push.type === "event" && this.#isOurs(push.event.id)) this.#options.onPush?.(push);
    const removed = removedBy(push);
    if (removed !== undefined) this.#seen.delete(removed);
    // With a daemon that ends it goes, and comes back with the next one.
    if (this.#id !== undefined && saysGone(push, this.#id) && !this.#daemonStops) this.#end(undefined);
  }

  #isOurs(id: number): boolean {
    return id === this.#id || id === this.#options.request.connection;
  }

  #look(entry: ForwardEntry): void {
    if (!this.#wasOpen && entry.state === "failed") {
      return this.#fail(entry.failure === null ? closed() : errorOfFailure(entry.failure));
    }
    if (!this.#wasOpen) this.#open(entry);
    this.#wasOpen = true;
    this.#options.onForward(entry);
  }

  #fail(failure: HoldfastError): void {
    this.#refuse(failure);
    this.#end(failure);
  }
}

function closed(): HoldfastError {
  return new HoldfastError({ code: "closed", message: "the forward was closed", fault: "local" });
}
