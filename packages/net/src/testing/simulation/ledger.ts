// What truly happened to a line, noted where it happened: in the transport, the credentials, the hook. It knows
// nothing of the machine's state; the judges compare the two.
import { HoldfastError } from "@holdfast/core";
import type { Host, World } from "@holdfast/core/testing";
import type { Attempt } from "../../link.ts";
import type { SimulatedLink } from "./carrier.ts";
import { judgeDial, judgeHangUp, LATE_MS, silentAt } from "./conduct.ts";
import { hintOf, SUSPECT, type Facts } from "./facts.ts";

const RESTARTS: ReadonlySet<string> = new Set(["restarting", "relay_lost"]);

export interface Run {
  readonly id: number;
  readonly startedAt: number;
  readonly signal: Attempt["signal"];
  /** The refusal that its credential was fetched because of. */
  readonly fetchedBecause: HoldfastError | undefined;
  token: number | undefined;
  /** Its credential could not be had. */
  unfetched: boolean;
  state: "dialing" | "up" | "over";
}

/** Why the line is away. */
export interface Cause {
  readonly failure: HoldfastError;
  /** It ended a link that counts for nothing against the peer: the first retry is special. */
  readonly first: boolean;
  readonly windowMs: number | undefined;
  readonly drained: { readonly windowMs: number | undefined } | undefined;
  readonly run: Run;
  /** Dials begun before it, in this process. */
  readonly opensBefore: number;
  readonly at: number;
}

export class Ledger {
  readonly world: World;
  readonly host: Host;
  readonly facts: Facts;
  readonly watched: boolean;
  readonly pings: boolean;
  readonly provider: "none" | "static" | "function";
  readonly link: { current: SimulatedLink | undefined; readonly live: Set<SimulatedLink> };
  opens = 0;
  attempt = 0;
  failures = 0;
  refusals = 0;
  drawn = 0;
  lostAt: number | undefined = undefined;
  mark: HoldfastError | undefined = undefined;
  refusedToken: number | undefined = undefined;
  run: Run | undefined = undefined;
  readonly runs: Run[] = [];
  dialStarts: number[] = [];
  cause: Cause | undefined = undefined;
  notBefore: number = -Infinity;
  suspect = false;
  openedAt = 0;
  heardAt = 0;
  windowMs: number | undefined = undefined;
  drain: { readonly windowMs: number | undefined } | undefined = undefined;
  unacked = 0;
  moved = 0;
  movedAt = 0;
  busySince = 0;
  pingFailures = 0;
  /** The first reason to doubt the link since it was last heard. */
  doubtAt: number | undefined = undefined;
  /** The machine found, late, that no data had moved, and asked. */
  stuckDoubtAt: number = Infinity;
  resumedAt: number = -Infinity;
  userActedAt: number = -Infinity;
  wokenAt: number = -Infinity;
  restartedAt: number = -Infinity;
  wokenByUser = false;
  asksForPerson = false;
  closedByUser = false;
  vetoed = false;
  /** The provider answered a refusal with the very token that was refused. */
  sameTokenAgain = false;
  /** Whether the failFast setting wants the first failure to be the last. */
  failsFast = false;
  ended = false;

  constructor(
    world: World,
    host: Host,
    facts: Facts,
    traits: { readonly watched: boolean; readonly pings: boolean; readonly provider: Ledger["provider"] },
  ) {
    this.world = world;
    this.host = host;
    this.facts = facts;
    this.watched = traits.watched && facts.heartbeat !== undefined;
    this.pings = traits.pings;
    this.provider = traits.provider;
    this.link = { current: undefined, live: new Set() };
    this.lostAt = this.now;
  }

  /** The machine's monotonic time. */
  get now(): number {
    return this.host.clock.mono();
  }

  /** A dial begins: its credentials are asked for, or it is called at once. */
  begun(signal: Attempt["signal"], fetchedBecause: HoldfastError | undefined): Run {
    const id = this.runs.length + 1;
    const run: Run = {
      id,
      startedAt: this.now,
      signal,
      fetchedBecause,
      token: undefined,
      unfetched: false,
      state: "dialing",
    };
    this.world.note(`dial ${id} begins`);
    judgeDial(this);
    this.attempt += 1;
    this.dialStarts = [...this.dialStarts.slice(-19), this.now];
    this.asksForPerson = false;
    this.runs.push(run);
    this.run = run;
    return run;
  }

  dialCalled(attempt: Attempt<number>): number {
    const run =
      this.run !== undefined && this.run.signal === attempt.signal
        ? this.run
        : this.begun(attempt.signal, undefined);
    if (attempt.attempt !== this.attempt) {
      this.world.fail("attempt", `dial says attempt ${attempt.attempt}, it is ${this.attempt}`);
    }
    if (attempt.epoch !== this.opens + 1) this.world.fail("I3", `dial says epoch ${attempt.epoch}`);
    if (this.suspect && !attempt.suspect)
      this.world.fail("I10", "the last peer was suspect and nobody says so");
    run.token = attempt.credential;
    return run.id;
  }

  secretSent(): void {
    if (this.suspect) this.world.fail("I10", "a secret was sent to a suspect peer");
  }

  opened(id: number, link: SimulatedLink, windowMs: number | undefined): void {
    const run = this.#runOf(id);
    this.link.live.add(link);
    if (run.state !== "dialing") return;
    this.world.note(`link ${this.opens + 1} is up`);
    run.state = "up";
    this.opens += 1;
    this.link.current = link;
    this.attempt = 0;
    this.suspect = false;
    // The attempt that a wake is owed has succeeded.
    this.wokenAt = -Infinity;
    this.drain = undefined;
    this.windowMs = windowMs;
    this.openedAt = this.heardAt = this.movedAt = this.now;
    this.unacked = this.moved = this.pingFailures = 0;
    this.doubtAt = undefined;
    this.cause = undefined;
    if (this.facts.resetOn === "connect") this.reset();
  }

  dialFailed(id: number, failure: HoldfastError): void {
    const run = this.#runOf(id);
    if (run.state !== "dialing") return;
    run.state = "over";
    this.world.note(`dial ${id} failed: ${failure.code}`);
    const hinted = failure.retryAfterMs !== undefined;
    const later = failure.kind === "transient" || failure.kind === "throttled";
    this.failures += 1;
    if (failure.fault === "peer" && later && !hinted) this.refusals += 1;
    this.#away(run, failure, false);
  }

  /** The engine gave the dial up. */
  dialAborted(id: number, reason: unknown): void {
    const run = this.#runOf(id);
    if (run.state !== "dialing") return;
    const failure = HoldfastError.from(reason);
    if (failure.code === "closed") run.state = "over";
    else if (failure.code === "network_changed") this.#restarted(run);
    else {
      if (failure.code === "timed_out" && this.now - run.startedAt < this.facts.dialTimeoutMs - 1) {
        this.world.fail("I7", `a dial was given up after ${this.now - run.startedAt} ms`);
      }
      this.dialFailed(id, failure);
    }
  }

  heard(link: SimulatedLink): void {
    if (link !== this.link.current) return;
    this.heardAt = this.now;
    this.doubtAt = undefined;
    this.pingFailures = 0;
  }

  progressed(unacked: number, moved: number): void {
    if (this.unacked === 0 && unacked > 0) this.busySince = this.movedAt = this.now;
    if (moved !== this.moved) this.movedAt = this.now;
    this.unacked = unacked;
    this.moved = moved;
  }

  drained(windowMs: number | undefined): void {
    this.drain = { windowMs };
  }

  pinged(link: SimulatedLink, failed: boolean): void {
    if (link !== this.link.current) this.world.fail("I5", "a ping on a link that is gone");
    this.pingFailures = failed ? this.pingFailures + 1 : 0;
  }

  /** The transport reports the end. */
  lost(link: SimulatedLink, failure: HoldfastError): void {
    if (link === this.link.current) this.#linkOver(failure);
  }

  /** The engine closes it: because it was lost, or because it has enough. */
  linkClosed(link: SimulatedLink, reason: HoldfastError | undefined): void {
    this.link.live.delete(link);
    if (link !== this.link.current) return;
    const failure = reason ?? new HoldfastError({ code: "no_reason", message: "closed without a reason" });
    if (failure.code !== "closed") judgeHangUp(this, failure);
    this.#linkOver(failure);
  }

  /** Somebody wakes the line. */
  woken(byUser: boolean): void {
    this.wokenAt = this.now;
    this.wokenByUser = byUser;
    if (byUser) this.userActedAt = this.now;
    if (this.link.current !== undefined && this.watched) this.doubtAt ??= this.now;
  }

  answered(): void {
    this.userActedAt = this.now;
  }

  /** The process runs again: whoever is overdue by more than a moment must be asked before being judged. */
  resumed(): void {
    this.resumedAt = this.now;
    if (this.link.current === undefined || !this.watched) return;
    if (this.now > silentAt(this) + LATE_MS + 60) this.doubtAt ??= this.now;
    const stuckAt = this.movedAt + (this.facts.heartbeat?.noProgressMs ?? Infinity);
    if (this.unacked > 0 && this.now > stuckAt + LATE_MS) this.stuckDoubtAt = this.now;
  }

  reset(): void {
    this.failures = this.refusals = this.drawn = 0;
    this.mark = undefined;
    this.lostAt = undefined;
  }

  #restarted(run: Run): void {
    run.state = "over";
    const sinceMs = this.now - this.restartedAt;
    if (!this.wokenByUser && sinceMs < this.facts.dialTimeoutMs - 1) {
      this.world.fail("R6", `a dial was begun again ${sinceMs} ms after another was`);
    }
    this.restartedAt = this.now;
    this.world.note(`dial ${run.id} is begun again`);
  }

  #linkOver(failure: HoldfastError): void {
    const run = this.runs.findLast(({ state }) => state === "up");
    if (run === undefined) return;
    this.world.note(`link ${this.opens} is over: ${failure.code}`);
    run.state = "over";
    const stable = this.now >= this.openedAt + this.facts.stableAfterMs;
    const announced = failure.fault === "peer" && (this.drain !== undefined || RESTARTS.has(failure.code));
    const fetchedBecause = stable ? undefined : run.fetchedBecause;
    if (stable || announced) this.reset();
    const first = stable || announced || this.facts.resetOn === "connect";
    if (!first) this.failures += 1;
    this.attempt = 0;
    this.lostAt ??= this.now;
    this.link.current = undefined;
    this.#away({ ...run, fetchedBecause }, failure, first);
    this.drain = undefined;
  }

  #away(run: Run, failure: HoldfastError, first: boolean): void {
    const { windowMs, drain, opens } = this;
    this.cause = { failure, first, windowMs, drained: drain, run, opensBefore: opens, at: this.now };
    const hintMs = hintOf(failure, this.facts);
    this.notBefore = hintMs === undefined ? -Infinity : this.now + hintMs;
    this.userActedAt = -Infinity;
    if (SUSPECT.has(failure.code)) this.suspect = true;
    const refused = failure.kind === "unauthorized";
    this.asksForPerson = refused && failure.prompt !== undefined;
    // A credential that could not be fetched was not refused: the refusal before it stands.
    const unfetched = failure.code === "credentials_unavailable" ? run.fetchedBecause : undefined;
    this.mark = refused && !this.asksForPerson ? failure : unfetched;
    if (refused) this.refusedToken = run.token;
  }

  #runOf(id: number): Run {
    const run = this.runs[id - 1];
    if (run === undefined) throw new Error(`no run ${id}`);
    return run;
  }
}
