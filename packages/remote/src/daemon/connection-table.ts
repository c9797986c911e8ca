// The connections that there are: asked for by commands, or restored from the state file.
import { HoldfastError } from "@holdfast/core";
import { nodeCrypto } from "@holdfast/net/node";
import type { ControlPeer } from "@holdfast/control";
import { parseDestination } from "../plugin/destination.ts";
import { tooMany, unknownConnection } from "./daemon-failures.ts";
import type { DaemonWorld } from "./daemon-world.ts";
import { HeldConnection, type ConnectRequest } from "./held-connection.ts";
import type { Promises } from "./promises.ts";
import type { ConnectionRecord } from "./state-file.ts";

export interface ConnectionTableOptions {
  readonly world: DaemonWorld;
  readonly promises: Promises;
  /** How many run over it. */
  readonly forwards: (held: HeldConnection) => number;
  /** What runs over it has to end first. */
  readonly onEnding: (held: HeldConnection) => void;
  /** Its link is gone, and whoever used it was told why. */
  readonly onEnded: (id: number) => void;
}

export interface Connected {
  readonly held: HeldConnection;
  readonly joined: boolean;
}

export class ConnectionTable {
  readonly #options: ConnectionTableOptions;
  /** At most `limits.connections`, and those that the state file had. */
  readonly #held = new Map<number, HeldConnection>();
  /** One for each that has ended and is being cleaned up. */
  readonly #endings = new Set<Promise<void>>();

  constructor(options: ConnectionTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  all(): readonly HeldConnection[] {
    return [...this.#held.values()];
  }

  /** @throws HoldfastError `unknown_id`. */
  get(id: number): HeldConnection {
    const held = this.#held.get(id);
    if (held === undefined) throw unknownConnection(id);
    return held;
  }

  /**
   * One that is there already, or a new one, whose first dial has begun.
   * @throws HoldfastError `bad_destination`, `unknown_scheme`, `bad_option`, `bad_config`, `too_many`.
   */
  async connect(request: ConnectRequest, peer: ControlPeer): Promise<Connected> {
    const present = this.#present(request);
    if (present !== undefined) {
      present.join(request, peer);
      return { held: present, joined: true };
    }
    const { world } = this.#options;
    if (this.size >= world.limits.connections) throw tooMany("connections", world.limits.connections);
    const held = this.#hold(request);
    held.presence.join(request.key, peer);
    const { questions } = world;
    try {
      await held.open(request.attended === true ? questions.attendedBy(held.id, peer) : undefined);
    } catch (thrown) {
      const failure = HoldfastError.from(thrown);
      this.end(held, failure);
      throw failure;
    }
    return { held, joined: false };
  }

  /** One that an earlier daemon had. It is shown at once, and dialled by `begin`. @returns whether it is known what it is. */
  restore(record: ConnectionRecord): boolean {
    try {
      this.#add(this.#newHeld({ record, kept: true, proven: true, secret: undefined }));
      return true;
    } catch (thrown) {
      const { id, name, destination } = record;
      const message = `${destination} does not come back: ${HoldfastError.from(thrown).text}`;
      this.#options.world.log({ level: "error", event: "not_restored", id, name, message });
      return false;
    }
  }

  /** Dial everything that was restored. */
  begin(): void {
    for (const held of this.#held.values()) held.reconnect();
  }

  /** It is shown no more, and what it leaves is cleaned up. */
  end(held: HeldConnection, failure: HoldfastError | undefined): void {
    if (!this.#held.delete(held.id)) return;
    const { onEnding, onEnded } = this.#options;
    onEnding(held);
    this.#finish(held.end(failure).finally(() => onEnded(held.id)));
    this.#options.world.touch();
  }

  /** The daemon ends. Resolves when all is cleaned up. */
  async close(): Promise<void> {
    for (const held of this.#held.values()) this.#finish(held.letGo());
    await Promise.all(this.#endings);
  }

  #present({ key, destination, options = {}, new: another }: ConnectRequest): HeldConnection | undefined {
    const all = this.all();
    const known = all.find((held) => held.isFor(key));
    // What a command had before a crash is its own again, whatever others have begun meanwhile.
    if (known !== undefined || another === true || this.#options.promises.has(key)) return known;
    return all.find((held) => held.leadsTo(destination, options) && held.status.state !== "disconnected");
  }

  #hold(request: ConnectRequest): HeldConnection {
    const { destination, key, options = {}, environment = {}, policy, background = false } = request;
    const promised = this.#options.promises.take(key);
    const record = {
      id: promised?.id,
      name: promised?.name ?? request.name ?? nameOf(destination),
      unique: promised?.unique ?? Buffer.from(nodeCrypto().entropy(16)).toString("hex"),
      key,
      destination,
      options,
      environment,
      policy,
      no_reconnect: request.no_reconnect ?? false,
      memory: {},
    };
    const kept = request.kept ?? true;
    const held = this.#newHeld({ record, kept, proven: background, secret: request.secret });
    this.#add(held);
    return held;
  }

  #newHeld(
    what: Pick<ConstructorParameters<typeof HeldConnection>[0], "record" | "kept" | "proven" | "secret">,
  ): HeldConnection {
    const { world, forwards } = this.#options;
    return new HeldConnection({
      ...what,
      world,
      forwards,
      onEnd: (held, failure) => this.end(held, failure),
    });
  }

  #add(held: HeldConnection): void {
    this.#held.set(held.id, held);
    this.#options.world.touch();
  }

  #finish(work: Promise<void>): void {
    const ending = work.catch((thrown: unknown) => {
      const message = HoldfastError.from(thrown).text;
      this.#options.world.log({ level: "warn", event: "warning", message });
    });
    this.#endings.add(ending);
    void ending.then(() => this.#endings.delete(ending));
  }
}

/** What a person would call it. @throws HoldfastError `bad_destination`. */
function nameOf(destination: string): string {
  return parseDestination(destination).host.slice(0, 128);
}
