// One forward in the hands of the daemon. It is shown before it is open, and tried again where its port was taken.
import type { EntryFields, Item, Request } from "@holdfast/control";
import { failureJson, timestamp } from "@holdfast/control";
import { HoldfastError, type Timer } from "@holdfast/core";
import type { Connection } from "../connection/connection.ts";
import type { Forward, ForwardStatus } from "../forward/forward.ts";
import { openLocalForward, openSocksForward } from "../forward/local-forward.ts";
import { openReverseForward } from "../forward/reverse-forward.ts";
import { badRequest } from "./daemon-failures.ts";
import type { DaemonWorld } from "./daemon-world.ts";
import type { HeldConnection } from "./held-connection.ts";
import { Presence } from "./presence.ts";
import type { ForwardRecord, KeptEndpoint, Promised } from "./state-file.ts";

export type ForwardRequest = Extract<Request, { type: "forward" }>;

export interface HeldForwardOptions {
  readonly world: DaemonWorld;
  readonly connection: HeldConnection;
  /** What is asked for; its id and name are wishes. */
  readonly record: Omit<ForwardRecord, "id"> & { readonly id: number | undefined };
  readonly kept: boolean;
  /** It is to be ended. */
  readonly onEnd: (held: HeldForward) => void;
}

export class HeldForward {
  readonly connection: HeldConnection;
  readonly presence: Presence;
  #kept: boolean;
  readonly #world: DaemonWorld;
  readonly #options: HeldForwardOptions;
  readonly #item: Item;
  readonly #retry: Timer;
  readonly #count: Timer;
  #forward: Forward | undefined = undefined;
  #address: KeptEndpoint | undefined;
  #refused: HoldfastError | undefined = undefined;
  #ended = false;
  #state: ForwardStatus["state"] = "waiting";
  #since: number;
  #counting = false;
  /** What was told last, but for the number of connections. */
  #told = "";

  constructor(options: HeldForwardOptions) {
    const { world, connection, record, kept, onEnd } = options;
    const { clock, limits } = world;
    this.connection = connection;
    this.#world = world;
    this.#options = options;
    this.#kept = kept;
    this.#address = record.address;
    this.#since = clock.wall();
    this.#retry = clock.timer(() => void this.restore());
    this.#count = clock.timer(() => this.#tellCount());
    this.presence = new Presence({
      clock,
      graceMs: limits.askerGraceMs,
      most: limits.askers,
      onAbandoned: () => {
        if (!this.kept) onEnd(this);
      },
    });
    this.#item = world.add({
      kind: "forward",
      ...(record.id !== undefined && { id: record.id }),
      name: record.name,
      status: () => this.#fields(),
      disconnect: () => onEnd(this),
    });
  }

  get id(): number {
    return this.#item.id;
  }

  /** It comes back after a restart, with its connection. */
  get kept(): boolean {
    return this.#kept && this.connection.kept;
  }

  get record(): ForwardRecord {
    return { ...this.#options.record, id: this.id, name: this.#item.name, address: this.#address };
  }

  get promise(): Promised {
    return {
      key: this.#options.record.key,
      id: this.id,
      name: this.#item.name,
      address: this.#address,
    };
  }

  isFor(key: string): boolean {
    return this.#options.record.key === key || this.presence.has(key);
  }

  /** Somebody asked for the same again: it is kept if any of them wants that. */
  keep(): void {
    this.#kept = true;
  }

  /** @throws HoldfastError `unsupported`, `address_in_use`, `permission_denied`, `bad_endpoint`, `closed` … */
  async open(): Promise<void> {
    const connection = await this.connection.opened();
    const forward = await this.#listen(connection);
    if (this.#ended) return forward.close();
    this.#forward = forward;
    this.#refused = undefined;
    void this.#follow(forward);
  }

  /** As `open`, and again after a while if it fails. Never rejects. */
  async restore(): Promise<void> {
    try {
      if (!this.#ended) await this.open();
    } catch (thrown) {
      if (this.#ended) return;
      this.#refused = HoldfastError.from(thrown);
      this.#changed();
      this.#retry.set(this.#world.limits.forwardRetryMs);
    }
  }

  /** It is shown no more, and its port is free again when this resolves. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#changed();
    this.#item.remove();
    this.#log("forward_removed");
    await this.letGo();
  }

  /** The daemon ends. */
  async letGo(): Promise<void> {
    this.#ended = true;
    this.presence.end();
    this.#retry.clear();
    this.#count.clear();
    await this.#forward?.close();
  }

  #listen(connection: Connection): Promise<Forward> | Forward {
    const { direction, listen, target } = this.#options.record;
    const { clock } = this.#world;
    // Any port is wanted: the one that it had is as good, and others may know it.
    const at = { host: listen.host, port: listen.port === 0 ? (this.#address?.port ?? 0) : listen.port };
    if (direction === "dynamic") return openSocksForward(connection, { listen: at, clock });
    if (target === undefined) throw badRequest(`a ${direction} forward needs a target`);
    if (direction === "reverse") return openReverseForward(connection, { listen: at, target, clock });
    return openLocalForward(connection, { listen: at, target, clock });
  }

  async #follow(forward: Forward): Promise<void> {
    for await (const { address } of forward.changes()) {
      if (this.#ended) return;
      if (address !== undefined && "port" in address) this.#moved(address);
      this.#changed();
    }
  }

  #moved({ host, port }: KeptEndpoint): void {
    if (this.#address?.host === host && this.#address.port === port) return;
    this.#address = { host, port };
    this.#world.touch();
  }

  /** Numbers of connections are told not too often, everything else at once. */
  #changed(): void {
    const { connections: _, waiting: __, since: ___, ...fields } = this.#fields();
    const told = JSON.stringify(fields);
    if (told !== this.#told) {
      this.#told = told;
      this.#log(
        "forward_state",
        fields.failure === null ? fields.state : `${fields.state}: ${fields.failure.message}`,
      );
      this.#item.changed();
    } else if (!this.#counting) {
      this.#counting = true;
      this.#count.set(this.#world.limits.countEventMs);
    }
  }

  #tellCount(): void {
    this.#counting = false;
    this.#item.changed();
  }

  #fields(): EntryFields<"forward"> {
    const { direction, target } = this.#options.record;
    const status = this.#forward?.status;
    const failure = this.#refused ?? status?.failure;
    const state = this.#ended
      ? "closed"
      : (status?.state ?? (this.#refused === undefined ? "waiting" : "failed"));
    if (state !== this.#state) {
      this.#state = state;
      this.#since = this.#world.clock.wall();
    }
    return {
      state,
      since: timestamp(this.#since),
      connection: this.connection.id,
      direction,
      listen: this.#address ?? null,
      target: target ?? null,
      kept: this.kept,
      connections: status?.connections ?? 0,
      waiting: status?.waiting ?? 0,
      failure: failure === undefined ? null : failureJson(failure),
    };
  }

  #log(event: string, message?: string): void {
    const { id, name } = this.#item;
    this.#world.log({ level: "info", event, id, name, ...(message !== undefined && { message }) });
  }
}
