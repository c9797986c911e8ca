// The forwards that there are, each over one of the connections.
import { HoldfastError } from "@holdfast/core";
import type { ControlPeer } from "@holdfast/control";
import { badRequest, tooMany } from "./daemon-failures.ts";
import type { DaemonWorld } from "./daemon-world.ts";
import type { HeldConnection } from "./held-connection.ts";
import { HeldForward, type ForwardRequest } from "./held-forward.ts";
import type { Promises } from "./promises.ts";
import type { ForwardRecord } from "./state-file.ts";

export class ForwardTable {
  readonly #world: DaemonWorld;
  readonly #promises: Promises;
  /** At most `limits.forwards`, and those that the state file had. */
  readonly #held = new Map<number, HeldForward>();
  /** One for each that is being closed. */
  readonly #endings = new Set<Promise<void>>();

  constructor(world: DaemonWorld, promises: Promises) {
    this.#world = world;
    this.#promises = promises;
  }

  get size(): number {
    return this.#held.size;
  }

  all(): readonly HeldForward[] {
    return [...this.#held.values()];
  }

  /** How many run over a connection. */
  over(connection: HeldConnection): number {
    return this.all().filter((held) => held.connection === connection).length;
  }

  /**
   * The one that this command asked for already, or a new one that listens.
   * @throws HoldfastError `bad_request`, `too_many`, `unsupported`, `address_in_use`, `permission_denied` …
   */
  async forward(
    request: ForwardRequest,
    connection: HeldConnection,
    peer: ControlPeer,
  ): Promise<{ readonly held: HeldForward; readonly joined: boolean }> {
    const { key, kept = true } = request;
    const present = this.all().find((held) => held.isFor(key));
    if (present !== undefined) {
      present.presence.join(key, peer);
      if (kept) present.keep();
      this.#world.touch();
      return { held: present, joined: true };
    }
    const { limits } = this.#world;
    if (this.size >= limits.forwards) throw tooMany("forwards", limits.forwards);
    const held = this.#hold(request, connection, kept);
    held.presence.join(key, peer);
    try {
      await held.open();
    } catch (thrown) {
      this.end(held);
      throw HoldfastError.from(thrown);
    }
    return { held, joined: false };
  }

  /** One that an earlier daemon had. It is shown at once, and opened by `begin`. */
  restore(record: ForwardRecord, connection: HeldConnection): void {
    this.#add(connection, record, true);
  }

  /** Open everything that was restored. */
  begin(): void {
    for (const held of this.#held.values()) void held.restore();
  }

  end(held: HeldForward): void {
    if (!this.#held.delete(held.id)) return;
    this.#finish(held.end());
    held.connection.changed();
    this.#world.touch();
  }

  /** A connection ends: what runs over it ends first. */
  endOver(connection: HeldConnection): void {
    for (const held of this.#held.values()) if (held.connection === connection) this.end(held);
  }

  /** The daemon ends. */
  async close(): Promise<void> {
    for (const held of this.#held.values()) this.#finish(held.letGo());
    await Promise.all(this.#endings);
  }

  #hold(request: ForwardRequest, connection: HeldConnection, kept: boolean): HeldForward {
    const { key, direction, listen, target } = request;
    if (direction !== "dynamic" && target === undefined) {
      throw badRequest(`a ${direction} forward needs a target`);
    }
    const promised = this.#promises.take(key);
    const name = promised?.name ?? request.name ?? defaultName(request);
    const record = { id: promised?.id, name, key, connection: connection.id, direction, listen, target };
    return this.#add(connection, { ...record, address: promised?.address }, kept);
  }

  #add(
    connection: HeldConnection,
    record: ConstructorParameters<typeof HeldForward>[0]["record"],
    kept: boolean,
  ): HeldForward {
    const held = new HeldForward({
      world: this.#world,
      connection,
      record,
      kept,
      onEnd: (ended) => this.end(ended),
    });
    this.#held.set(held.id, held);
    connection.changed();
    this.#world.touch();
    return held;
  }

  #finish(work: Promise<void>): void {
    const ending = work.catch((thrown: unknown) => {
      this.#world.log({ level: "warn", event: "warning", message: HoldfastError.from(thrown).text });
    });
    this.#endings.add(ending);
    void ending.then(() => this.#endings.delete(ending));
  }
}

function defaultName({ direction, listen, target }: ForwardRequest): string {
  const port = listen.port === 0 ? (target?.port ?? 0) : listen.port;
  return direction === "dynamic" ? `socks-${listen.port}` : `${direction}-${port}`;
}
