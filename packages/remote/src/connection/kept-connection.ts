// The connection itself: one line of `@holdfast/net` at a time, whose link is a carrier that outlives swaps, and at most
// one dial of the plugin under way. The states are described in connection.ts.
import {
  HoldfastError,
  resolveConfig,
  type Clock,
  type Liveness,
  type Policy,
  type Random,
} from "@holdfast/core";
import { connect, type Attempt, type Line, type WakeSource } from "@holdfast/net";
import { UNATTENDED, type Interaction } from "../plugin/interaction.ts";
import type { Ability, Backend, HealthCheck, Plugin } from "../plugin/plugin.ts";
import { Carrier } from "./carrier.ts";
import { Changes } from "./changes.ts";
import { closedFailure, forPerson, notConnected, nothingAsked } from "./connection-failures.ts";
import type { ConnectedMachine, Connection, ConnectionStatus, MachineWait } from "./connection.ts";
import { within } from "./deadline.ts";
import { DrainingLinks } from "./draining-links.ts";
import { LinksBelow } from "./links-below.ts";
import { MachineLink } from "./machine-link.ts";
import { shownStatus, type WhyNot } from "./shown-status.ts";
import { Waiters } from "./waiters.ts";

/** Times are milliseconds. */
export interface ConnectionLimits {
  /** How long `machine()` waits for a link. Default 30,000. */
  readonly waitMs: number;
  /** How many may wait. Default 1,024. */
  readonly maxWaiting: number;
  /** How many forwards, or others that end with the connection. Default 256. */
  readonly maxForwards: number;
  /** How long what runs over a link that was replaced may go on. Default 30,000. */
  readonly drainMs: number;
  /** How long a person may think about a question. Default 600,000. */
  readonly questionMs: number;
  /** How long `close()` waits for the plugin to clean up. Default 10,000. */
  readonly disposeMs: number;
}

export interface ConnectionParts {
  readonly id: string;
  readonly destination: string;
  readonly plugin: Plugin;
  readonly backend: Backend;
  readonly policy: Policy;
  readonly check: HealthCheck;
  readonly whyNot: WhyNot;
  /** For the first dial. */
  readonly interaction: Interaction;
  readonly limits: ConnectionLimits;
  readonly wakes: readonly WakeSource[];
  readonly warn: (warning: HoldfastError) => void;
  readonly clock: Clock;
  readonly random: Random | undefined;
}

/** Links are not replaced more often than this: the floor under dials of the line does not see these. */
const REMAKE_GAP_MS = 1_000;

type Order = Pick<Attempt, "attempt" | "epoch" | "suspect">;

export class KeptConnection implements Connection {
  readonly id: string;
  readonly destination: string;
  readonly plugin: string;
  readonly abilities: Readonly<Record<Ability, true | string>>;
  readonly #parts: ConnectionParts;
  readonly #changes: Changes<ConnectionStatus>;
  readonly #waiters: Waiters;
  readonly #draining: DrainingLinks;
  readonly #below = new LinksBelow(() => this.#touch());
  readonly #dialTimeoutMs: number;
  /** One for each forward over this connection, at most `maxForwards`. */
  readonly #owned = new Set<() => Promise<void>>();
  #line: Line<Carrier>;
  /** Links of earlier lines, and swaps of this one. */
  #epochs = 0;
  #lastHeard: number | undefined = undefined;
  /** For the next dial. */
  #interaction: Interaction;
  /** The dial under way. */
  #dialling: MachineLink | undefined = undefined;
  /** A person has answered its question, and the line is about to take it up again. */
  #resumed: MachineLink | undefined = undefined;
  /** What came of that before the line did. */
  #missed: HoldfastError | undefined = undefined;
  #remaking: Promise<void> | undefined = undefined;
  #remadeAt = -Infinity;
  #closed = false;
  #closing: Promise<void> | undefined = undefined;

  constructor(parts: ConnectionParts) {
    const { id, destination, plugin, clock, limits } = parts;
    this.id = id;
    this.destination = destination;
    this.plugin = plugin.name;
    this.abilities = plugin.abilities;
    this.#parts = parts;
    this.#interaction = parts.interaction;
    this.#dialTimeoutMs = resolveConfig(parts.policy).dialTimeoutMs;
    this.#changes = new Changes(() => this.status);
    this.#waiters = new Waiters(clock, limits.maxWaiting);
    this.#draining = new DrainingLinks(clock, limits.drainMs);
    this.#line = this.#newLine(parts.policy.failFast ?? true);
  }

  start(): void {
    void this.#watch(this.#line);
  }

  get status(): ConnectionStatus {
    const past = { epochs: this.#epochs, lastHeard: this.#lastHeard };
    return shownStatus(this.#below.show(this.#line.status), past, this.#parts.whyNot, this.#closed);
  }

  get liveness(): Liveness {
    return this.#below.liveness ?? this.#line.liveness;
  }

  get openStreams(): number | undefined {
    return this.#line.link?.machine.link.openStreams;
  }

  changes({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<ConnectionStatus> {
    return this.#changes.values(signal);
  }

  async machine(wait: MachineWait = {}): Promise<ConnectedMachine> {
    wait.signal?.throwIfAborted();
    const present = this.#line.link?.machine;
    if (present !== undefined && present !== wait.after) return present;
    if (this.#closed) throw closedFailure(this.id);
    const { status } = this;
    if (status.state === "disconnected") throw notConnected(this.id, status);
    const waitMs = wait.waitMs ?? this.#parts.limits.waitMs;
    return this.#waiters.wait(wait, waitMs, () => notConnected(this.id, this.status, waitMs));
  }

  reconnect(interaction?: Interaction): Promise<void> {
    const done = this.#reconnect(interaction);
    done.catch(() => undefined);
    return done;
  }

  answer(interaction: Interaction): void {
    const { state } = this.status;
    if (state !== "auth_required") throw nothingAsked(this.id, state);
    // What fails then is asked again.
    if (this.#line.link !== undefined && this.#below.away) {
      return void this.#below.answer(interaction).catch(() => undefined);
    }
    this.#attend(interaction);
    this.#line.answer();
  }

  wake(): void {
    this.#line.wake("online");
    this.#below.wake("online");
  }

  onClose(close: () => Promise<void>): () => void {
    if (this.#closed) throw closedFailure(this.id);
    if (this.#owned.size >= this.#parts.limits.maxForwards) throw tooManyForwards(this.#owned.size);
    this.#owned.add(close);
    return () => void this.#owned.delete(close);
  }

  close(how: { readonly keep: boolean } = { keep: false }): Promise<void> {
    this.#closed = true;
    return (this.#closing ??= this.#end(how));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #newLine(failFast: NonNullable<Policy["failFast"]>): Line<Carrier> {
    const { policy, whyNot, wakes, warn, clock, random } = this.#parts;
    return connect<Carrier>({
      ...policy,
      failFast,
      // Not by `reconnect: false`, which would not wait for a person either.
      retrying: () => (whyNot === undefined && !this.#below.over ? undefined : false),
      ...(random === undefined ? {} : { random }),
      dial: (attempt) => this.#dial(attempt),
      wakes,
      onWarning: warn,
      clock,
    });
  }

  async #watch(line: Line<Carrier>): Promise<void> {
    for await (const { state } of line.changes()) {
      if (line !== this.#line) return;
      if (state === "disconnected" && !this.#closed) this.#waiters.refuse(notConnected(this.id, this.status));
      // The answer came before the line knew of the question.
      if (state === "auth_required" && this.#dialling?.live === true && !this.#dialling.asking) line.answer();
      this.#touch();
    }
  }

  #touch(): void {
    this.#changes.touch();
    const present = this.#line.link?.machine;
    if (present !== undefined) this.#waiters.found(present);
  }

  /** The line wants a link: one that is being made already, or a new one. */
  async #dial(attempt: Attempt): Promise<Carrier> {
    const missed = this.#missed;
    this.#missed = undefined;
    this.#resumed = undefined;
    if (missed !== undefined) throw forPerson(missed);
    const under = this.#dialling;
    const link = under?.live === true ? under : this.#begin(attempt, this.#takeInteraction());
    const cancel = (): void => this.#cancel(link, HoldfastError.from(attempt.signal.reason));
    link.back(attempt);
    attempt.signal.addEventListener("abort", cancel, { once: true });
    try {
      const machine = await link.unlessAsking();
      this.#forget(link);
      this.#below.follow(machine.link);
      return new Carrier(link, machine, attempt);
    } catch (thrown) {
      const failure = HoldfastError.from(thrown);
      // While a person thinks, the dial goes on without the line, which waits for the answer.
      if (link.live) link.unback();
      else this.#leave(link, failure);
      throw forPerson(failure);
    } finally {
      attempt.signal.removeEventListener("abort", cancel);
    }
  }

  #cancel(link: MachineLink, reason: HoldfastError): void {
    // The line dials again at once, for the same person.
    if (reason.code === "network_changed") this.#interaction = link.interaction;
    link.end(reason);
  }

  #begin({ attempt, epoch, suspect }: Order, interaction: Interaction): MachineLink {
    const { backend, clock, check, limits } = this.#parts;
    const link: MachineLink = new MachineLink({
      backend,
      interaction,
      clock,
      check,
      order: { attempt, epoch: epoch + this.#epochs, suspect },
      last: this.#parts.whyNot !== undefined,
      dialTimeoutMs: this.#dialTimeoutMs,
      questionMs: limits.questionMs,
      onAnswered: () => this.#answered(link, interaction),
    });
    this.#dialling = link;
    link.ready.catch((thrown: unknown) => {
      this.#forget(link);
      if (this.#resumed === link && !link.backed) this.#missed = HoldfastError.from(thrown);
    });
    return link;
  }

  #forget(link: MachineLink): void {
    if (this.#dialling === link) this.#dialling = undefined;
  }

  #leave(link: MachineLink, failure: HoldfastError): void {
    this.#forget(link);
    link.end(failure);
  }

  #takeInteraction(): Interaction {
    const interaction = this.#interaction;
    this.#interaction = UNATTENDED;
    return interaction;
  }

  /** A person who is there takes the place of one who does not answer. */
  #attend(interaction: Interaction): void {
    this.#interaction = interaction;
    this.#resumed = undefined;
    this.#missed = undefined;
    this.#dialling?.end(superseded());
    this.#dialling = undefined;
  }

  #answered(link: MachineLink, interaction: Interaction): void {
    // The other side did not wait: whoever answered is there to be asked again.
    if (this.#dialling === link) this.#resumed = link;
    else if (this.#dialling === undefined) this.#interaction = interaction;
    if (this.status.state === "auth_required") this.#line.answer();
  }

  async #reconnect(interaction: Interaction | undefined): Promise<void> {
    if (this.#closed) throw closedFailure(this.id);
    if (this.#remaking !== undefined) return this.#remaking;
    const carrier = this.#line.link;
    if (carrier === undefined) return this.#dialNow(interaction);
    if (this.#below.away || (this.#below.present && !carrier.machine.idle)) return this.#wakeBelow();
    const now = this.#parts.clock.mono();
    if (now - this.#remadeAt < REMAKE_GAP_MS) return;
    this.#remadeAt = now;
    this.#remaking = this.#remake(interaction ?? UNATTENDED).finally(() => (this.#remaking = undefined));
    return this.#remaking;
  }

  /** There is no link: dial without waiting, and see what comes of it. */
  #dialNow(interaction: Interaction | undefined): Promise<void> {
    const { state } = this.status;
    if (interaction !== undefined && !(this.#dialling?.live === true && !this.#dialling.asking)) {
      this.#attend(interaction);
    }
    if (state === "disconnected") this.#renew();
    else this.#line.wake("user");
    return this.#outcome();
  }

  /** A new machine would lose what runs in this one: its own links are made again, or made sure of. */
  #wakeBelow(): Promise<void> {
    const outcome = this.#below.away ? this.#outcome() : Promise.resolve();
    this.#below.wake("user");
    return outcome;
  }

  /** A new line under the same id. */
  #renew(): void {
    const { epoch, lastHeard } = this.status;
    this.#epochs = epoch;
    this.#lastHeard = lastHeard;
    this.#below.restart();
    this.#line = this.#newLine(false);
    void this.#watch(this.#line);
  }

  /** What comes of the dial under way. */
  async #outcome(epoch: number = this.status.epoch): Promise<void> {
    const { failures } = this.status;
    for await (const status of this.changes()) {
      if (status.epoch > epoch) return;
      const failed = status.failures > failures;
      if (failed || status.state === "auth_required" || status.state === "disconnected") {
        throw status.failure ?? closedFailure(this.id);
      }
    }
    throw closedFailure(this.id);
  }

  /** Make before break: the new link first. */
  async #remake(interaction: Interaction): Promise<void> {
    const { epoch } = this.status;
    const link = this.#begin({ attempt: 1, epoch: this.#line.status.epoch + 1, suspect: false }, interaction);
    link.unback();
    try {
      const machine = await link.ready;
      const carrier = this.#line.link;
      // The old link was lost meanwhile: this one is the line's next, whether it is waited for already or not.
      if (link.backed) return await this.#outcome(epoch);
      if (carrier === undefined) return await this.#dialNow(undefined);
      if (!link.live) throw goneAtOnce();
      this.#forget(link);
      this.#swap(carrier, link, machine);
    } catch (thrown) {
      const failure = HoldfastError.from(thrown);
      if (!link.backed) this.#leave(link, failure);
      throw forPerson(failure);
    }
  }

  #swap(carrier: Carrier, link: MachineLink, machine: Carrier["machine"]): void {
    const { since } = this.status;
    const old = carrier.swap(link, machine);
    this.#epochs += 1;
    this.#below.follow(machine.link, since);
    this.#touch();
    this.#draining.add(old);
  }

  async #end(how: { readonly keep: boolean }): Promise<void> {
    const { backend, limits, clock, warn } = this.#parts;
    const failure = closedFailure(this.id);
    // Forwards first: while there is a link, they can break their streams instead of only ending them.
    const owned = [...this.#owned].map((close) => close());
    this.#dialling?.end(failure);
    const ended = this.#line.close();
    this.#draining.endAll();
    this.#waiters.refuse(failure);
    this.#changes.end();
    await Promise.allSettled([ended, ...owned]);
    try {
      await within(clock, limits.disposeMs, backend.dispose(how), () => slowDispose(limits.disposeMs));
    } catch (cause) {
      const message = "the plugin could not clean up after the connection";
      warn(new HoldfastError({ code: "dispose_failed", message, fault: "local", cause }));
    }
  }
}

function superseded(): HoldfastError {
  const message = "another person answers";
  return new HoldfastError({ code: "superseded", message, fault: "local" });
}

function goneAtOnce(): HoldfastError {
  return new HoldfastError({ code: "link_lost", message: "the new link was lost as soon as it was made" });
}

function tooManyForwards(most: number): HoldfastError {
  const message = `there are ${most} forwards over this connection already`;
  return new HoldfastError({ code: "too_many", message, kind: "fatal", fault: "local" });
}

function slowDispose(ms: number): HoldfastError {
  return new HoldfastError({ code: "timed_out", message: `it was not done within ${ms} ms`, fault: "local" });
}
