// One connection in the hands of the daemon: what was asked for, the connection itself, and what is shown of it.
import type { CallerEnvironmentJson, ControlPeer, EntryFields, Item, Request } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { atEndOfRound } from "@holdfast/net/node";
import type { Connection, ConnectionStatus } from "../connection/connection.ts";
import { closedFailure, nothingAsked } from "../connection/connection-failures.ts";
import { livenessTimeoutMs } from "../connection/health.ts";
import { openConnection } from "../connection/open-connection.ts";
import { pluginFor } from "../connection/registry.ts";
import type { Interaction } from "../plugin/interaction.ts";
import { parseDestination } from "../plugin/destination.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { settingsOf, type ConnectionSettings } from "./connection-settings.ts";
import { abandoned } from "./daemon-failures.ts";
import type { DaemonWorld } from "./daemon-world.ts";
import { Evidence } from "./evidence.ts";
import { KeptMemory } from "./kept-memory.ts";
import { OutageCount } from "./outage-count.ts";
import { Presence } from "./presence.ts";
import { endedStatus, isStale, shownLine, unopened, whileUnproven } from "./shown-connection.ts";
import type { ConnectionRecord, Promised } from "./state-file.ts";

export type ConnectRequest = Extract<Request, { type: "connect" }>;

export interface HeldConnectionOptions {
  readonly world: DaemonWorld;
  /** What is asked for; its id and name are wishes. */
  readonly record: Omit<ConnectionRecord, "id"> & { readonly id: number | undefined };
  /** It comes back after a restart of the daemon, once there was a link. */
  readonly kept: boolean;
  /** It is kept as it is, whatever comes of the first dial. */
  readonly proven: boolean;
  readonly secret: string | undefined;
  /** How many run over it. */
  readonly forwards: (held: HeldConnection) => number;
  /** It has ended by itself, with the failure, or is to be ended. */
  readonly onEnd: (held: HeldConnection, failure: HoldfastError | undefined) => void;
}

export class HeldConnection {
  readonly presence: Presence;
  kept: boolean;
  readonly #world: DaemonWorld;
  readonly #options: HeldConnectionOptions;
  readonly #plugin: Plugin;
  readonly #settings: ConnectionSettings;
  readonly #livenessTimeoutMs: number;
  readonly #memory: KeptMemory;
  readonly #environment: CallerEnvironmentJson;
  readonly #item: Item;
  readonly #evidence: Evidence;
  #secret: string | undefined;
  #proven: boolean;
  /** It is to be dialled on, though its first dial was begun for somebody who does not wait. */
  #patient = false;
  #connection: Connection | undefined = undefined;
  #opening: Promise<Connection> | undefined = undefined;
  #openFailure: HoldfastError | undefined = undefined;
  /** When it came to be, or could not be opened. */
  #since: number;
  #ended: { readonly since: number; readonly failure: HoldfastError | undefined } | undefined = undefined;
  readonly #outages = new OutageCount();
  /** What the log said last. */
  #noted = "";

  /** @throws HoldfastError `bad_destination`, `unknown_scheme`. */
  constructor(options: HeldConnectionOptions) {
    const { world, record, kept, proven, secret } = options;
    const { clock, limits } = world;
    this.#world = world;
    this.#options = options;
    this.kept = kept;
    this.#proven = proven;
    this.#secret = secret;
    this.#since = clock.wall();
    this.#plugin = pluginFor(world.plugins, parseDestination(record.destination).scheme);
    this.#settings = settingsOf(this.#plugin, record.policy, !proven);
    this.#livenessTimeoutMs = livenessTimeoutMs(this.#settings.health);
    this.#memory = new KeptMemory(record.memory, world.touch);
    this.#environment = { ...record.environment };
    this.presence = new Presence({
      clock,
      graceMs: limits.askerGraceMs,
      most: limits.askers,
      onAbandoned: () => this.#abandoned(),
    });
    this.#evidence = new Evidence({
      clock,
      livenessTimeoutMs: this.#livenessTimeoutMs,
      status: () => this.#present,
      onChange: () => this.#unsure(),
    });
    this.#item = world.add({
      kind: "connection",
      ...(record.id !== undefined && { id: record.id }),
      name: record.name,
      status: () => this.#fields(),
      details: () => ({ abilities: this.#plugin.abilities }),
      reconnect: () => this.reconnect(),
      disconnect: () => options.onEnd(this, undefined),
    });
  }

  get id(): number {
    return this.#item.id;
  }

  get name(): string {
    return this.#item.name;
  }

  /** As it is shown. */
  get status(): ConnectionStatus {
    const status = this.#present;
    const stale = isStale(status, this.#livenessTimeoutMs, this.#world.clock.wall());
    // Whoever looks sees it first; those who subscribed hear of it right after.
    if (this.#evidence.differs(stale)) atEndOfRound(() => this.#evidence.look());
    return stale ? whileUnproven(status, this.#livenessTimeoutMs) : status;
  }

  /** It comes back after a restart. */
  get comesBack(): boolean {
    return this.kept && this.#proven;
  }

  get record(): ConnectionRecord {
    const { record } = this.#options;
    const memory = Object.fromEntries(this.#memory);
    return { ...record, id: this.id, name: this.name, environment: this.#environment, memory };
  }

  get promise(): Promised {
    const { key, unique } = this.#options.record;
    return { key, unique, id: this.id, name: this.name };
  }

  isFor(key: string): boolean {
    return this.#options.record.key === key || this.presence.has(key);
  }

  /** The same destination, reached the same way. */
  leadsTo(destination: string, options: Readonly<Record<string, string>>): boolean {
    const { record } = this.#options;
    return record.destination === destination && sameEntries(record.options, options);
  }

  /**
   * Open it. Once it was opened it is the same one until the end.
   * @throws HoldfastError `bad_option`, `bad_config`: a later call tries again.
   */
  open(interaction?: Interaction): Promise<Connection> {
    this.#opening ??= this.#open(interaction).catch((thrown: unknown) => {
      this.#opening = undefined;
      this.#openFailure = HoldfastError.from(thrown);
      this.#since = this.#world.clock.wall();
      this.changed();
      throw this.#openFailure;
    });
    return this.#opening;
  }

  /**
   * The connection, which may be about to be opened.
   * @throws HoldfastError why it could not be.
   */
  async opened(): Promise<Connection> {
    if (this.#connection === undefined && this.#opening === undefined) {
      throw this.#openFailure ?? closedFailure(String(this.id));
    }
    return this.#connection ?? this.open();
  }

  /** From now on what happens to it is told, and has consequences. */
  async follow(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    for await (const status of connection.changes()) {
      if (this.#ended !== undefined) return;
      this.#changed(status);
    }
  }

  /** Somebody asks for what is there already. @throws HoldfastError `too_many`. */
  join(request: ConnectRequest, peer: ControlPeer): void {
    this.presence.join(request.key, peer);
    if (request.kept !== false) this.kept = true;
    if (request.background === true && !this.#proven) this.#proven = this.#patient = true;
    this.#world.touch();
    this.#secret = request.secret ?? this.#secret;
    const fresh = this.refresh(request.environment) || request.secret !== undefined;
    const { questions } = this.#world;
    const { state } = this.#present;
    if (state === "connected" || state === "disconnected" || questions.isOpen(this.id)) return;
    if (request.attended === true) this.attend(questions.attendedBy(this.id, peer));
    else if (fresh || state !== "auth_required") this.reconnect();
    else this.#needsPerson();
  }

  /** What the caller has now takes the place of what it had. @returns whether that is anything new. */
  refresh(environment: CallerEnvironmentJson = {}): boolean {
    const news = Object.entries(environment).some(
      ([name, value]) => this.#environment[name as keyof CallerEnvironmentJson] !== value,
    );
    if (!news) return false;
    Object.assign(this.#environment, environment);
    this.#world.touch();
    return true;
  }

  /** An agent, say, is there again: what it was asked for may be answered without anybody. */
  retryIfAsking(): void {
    if (this.#asksInVain) this.reconnect();
  }

  /**
   * A person is there for what it asks: dial now.
   * @throws HoldfastError `nothing_asked` if there is a link.
   */
  authenticate(peer: ControlPeer): void {
    if (this.#present.state === "connected") throw nothingAsked(String(this.id), "connected");
    this.attend(this.#world.questions.attendedBy(this.id, peer));
  }

  /** A person is there: dial now. */
  attend(interaction: Interaction): void {
    const connection = this.#connection;
    if (connection === undefined) return this.reconnect(interaction);
    const { status } = connection;
    if (status.state === "auth_required") return connection.answer(interaction);
    const unattended = "phase" in status && status.phase === "dialing";
    connection.reconnect(interaction).catch((thrown: unknown) => {
      this.log("info", "reconnect_failed", HoldfastError.from(thrown).text);
      // The dial that ran already asked nobody.
      if (unattended && this.#asksInVain) connection.answer(interaction);
    });
  }

  /** Dial now; what comes of it is told by events. */
  reconnect(interaction?: Interaction): void {
    const connection = this.#connection;
    if (connection !== undefined) {
      connection.reconnect(interaction).catch((thrown: unknown) => {
        this.log("info", "reconnect_failed", HoldfastError.from(thrown).text);
      });
    } else if (this.#opening === undefined && this.#ended === undefined) {
      this.#openFailure = undefined;
      this.changed();
      this.open(interaction).then(
        () => this.follow(),
        () => undefined,
      );
    }
  }

  wake(): void {
    const { state } = this.#present;
    if (state !== "auth_required" && state !== "disconnected") this.reconnect();
  }

  changed(): void {
    this.#item.changed();
  }

  log(level: "debug" | "info" | "warn", event: string, message?: string): void {
    const { id, name } = this;
    this.#world.log({ level, event, id, name, ...(message !== undefined && { message }) });
  }

  /** It is over, and is shown no more. What it leaves is cleaned up in the background. */
  end(failure: HoldfastError | undefined): Promise<void> {
    this.#ended = { since: this.#world.clock.wall(), failure };
    this.#release();
    this.changed();
    this.#item.remove();
    this.log("info", "connection_removed", failure?.text);
    return this.#close(false);
  }

  /** The daemon ends; the connection comes back with the next one, if it is kept. */
  letGo(): Promise<void> {
    this.#ended = { since: this.#world.clock.wall(), failure: undefined };
    this.#release();
    return this.#close(this.comesBack);
  }

  #release(): void {
    this.presence.end();
    this.#evidence.end();
    this.#world.questions.refuse(this.id);
  }

  async #close(keep: boolean): Promise<void> {
    const opening = this.#opening?.catch(() => undefined);
    const connection = this.#connection ?? (await opening);
    await connection?.close({ keep });
  }

  async #open(interaction: Interaction | undefined): Promise<Connection> {
    const { plugins, wakes, clock, random, limits } = this.#world;
    const { destination, options, no_reconnect, unique } = this.#options.record;
    this.#connection = await openConnection({
      plugins,
      destination,
      id: String(this.id),
      unique,
      options,
      ...this.#settings,
      reconnect: !no_reconnect,
      ...(interaction && { interaction }),
      environment: this.#environment,
      secret: () => this.#secret,
      memory: this.#memory,
      // The questions are refused first, in words.
      limits: { questionMs: limits.questionMs + 1_000, maxForwards: limits.forwards },
      wakes,
      onWarning: ({ text }) => this.log("warn", "warning", text),
      clock,
      ...(random && { random }),
    });
    return this.#connection;
  }

  get #present(): ConnectionStatus {
    const status = this.#connection?.status ?? unopened(this.#since, this.#openFailure);
    return this.#ended === undefined ? status : endedStatus(status, this.#ended.since, this.#ended.failure);
  }

  #fields(): EntryFields<"connection"> {
    const { record, forwards } = this.#options;
    return {
      ...shownLine(this.status),
      destination: record.destination,
      plugin: this.#plugin.name,
      liveness_timeout_ms: this.#livenessTimeoutMs,
      kept: this.comesBack,
      forwards: forwards(this),
    };
  }

  #changed(status: ConnectionStatus): void {
    if (status.state === "connected" && !this.#proven) {
      this.#proven = true;
      this.#world.touch();
    }
    this.#note(status);
    this.changed();
    this.#countOutage(status);
    this.#evidence.look();
    if (status.state === "disconnected" && this.#patient && status.failure?.retryable === true)
      this.reconnect();
    if (status.state !== "connecting") this.#patient = false;
    if (this.#proven) return;
    if (status.state === "disconnected") this.#options.onEnd(this, status.failure);
    else if (status.state === "auth_required") this.#needsPerson();
  }

  /** The first dial needs an answer that nobody gives: then it has failed. */
  #needsPerson(): void {
    // An answer that has just been given is not known to the line yet.
    atEndOfRound(() => {
      if (this.#proven || !this.#asksInVain || !this.presence.here) return;
      this.#options.onEnd(this, this.#present.failure);
    });
  }

  /** It waits for an answer, and nobody thinks about one. */
  get #asksInVain(): boolean {
    return this.#present.state === "auth_required" && !this.#world.questions.isOpen(this.id);
  }

  #abandoned(): void {
    if (!this.comesBack && this.#ended === undefined) this.#options.onEnd(this, abandoned());
  }

  /** What subscribers were told is not known any more, or is again. */
  #unsure(): void {
    this.changed();
    this.#connection?.wake();
  }

  #countOutage(status: ConnectionStatus): void {
    const outage = this.#outages.endedBy(status);
    if (outage !== undefined) {
      this.#item.outage({ ...outage, streamsResumed: this.#connection?.openStreams });
    }
  }

  /** Retries that end as the one before are no news, however many there are. */
  #note({ state, attempt, failure }: ConnectionStatus): void {
    const why = state === "connected" || failure === undefined ? "" : `: ${failure.text}`;
    const noted = `${state}${why}`;
    const level = noted === this.#noted ? "debug" : "info";
    this.#noted = noted;
    this.log(
      level,
      "connection_state",
      `${state}${state === "connected" ? "" : ` (attempt ${attempt})`}${why}`,
    );
  }
}

function sameEntries(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
