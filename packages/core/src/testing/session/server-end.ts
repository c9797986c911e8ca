// The server of a simulated world: takes links, lets each prove itself, and gives it to the session that it belongs
// to. It notices late that a link is gone, if at all.
import { FEATURE } from "../../session/codes.ts";
import { createSession } from "../../session/index.ts";
import type { SessionEnd, SessionEvent } from "../../session/events.ts";
import { Acceptor } from "../../session/handshake/acceptor.ts";
import type { HmacRequest } from "../../session/handshake/proof.ts";
import { ServerHandshake } from "../../session/handshake/server.ts";
import type { LinkTrust, ServerOutcome, ServerSession, ServerStep } from "../../session/handshake/surface.ts";
import type { Pool } from "../../session/pool.ts";
import type { Session } from "../../session/session.ts";
import type { Appointment } from "../agenda.ts";
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import type { LinkEnd } from "./byte-link.ts";
import type { SessionKnobs } from "./knobs.ts";
import { Runner, type RunnerOwner } from "./runner.ts";

export interface ServerSurroundings {
  readonly world: World;
  readonly dice: Dice;
  readonly knobs: SessionKnobs;
  readonly growthPool: Pool;
  readonly replayPool: Pool;
  readonly secretHash: Uint8Array | undefined;
  readonly entropy: (bytes: number) => Uint8Array;
  hmac(request: HmacRequest, answer: (digest: Uint8Array) => void): void;
  began(runner: Runner, session: ServerSession): void;
  ended(runner: Runner, end: SessionEnd): void;
  heard(runner: Runner, event: SessionEvent): void;
  linkFailed(code: string): void;
}

const HANDSHAKE_MS = 10_000;

class ServerLink {
  readonly end: LinkEnd;
  readonly handshake: ServerHandshake;
  readonly deadline: Appointment;
  runner: Runner | undefined = undefined;

  constructor(end: LinkEnd, handshake: ServerHandshake, deadline: Appointment) {
    this.end = end;
    this.handshake = handshake;
    this.deadline = deadline;
  }
}

export class ServerEnd implements RunnerOwner {
  readonly world: World;
  readonly knobs: SessionKnobs;
  readonly side = "server";
  acceptor: Acceptor;
  patienceMs: number;
  /** Sessions that began here. */
  begun = 0;
  refusals = 0;
  /** How long sessions are kept while away. */
  resumeTtlMs = 900_000;
  readonly #around: ServerSurroundings;
  readonly #runners: Map<Session, Runner> = new Map();
  readonly #links: Map<LinkEnd, ServerLink> = new Map();

  constructor(around: ServerSurroundings) {
    this.#around = around;
    this.world = around.world;
    this.knobs = around.knobs;
    this.patienceMs = around.knobs.heartbeatTimeoutMs;
    this.acceptor = this.#newAcceptor();
  }

  get runners(): IterableIterator<Runner> {
    return this.#runners.values();
  }

  take(end: LinkEnd, trust: LinkTrust): void {
    const handshake = new ServerHandshake({ acceptor: this.acceptor, trust });
    const deadline = this.world.after(HANDSHAKE_MS, () => this.#drop(link));
    const link = new ServerLink(end, handshake, deadline);
    this.#links.set(end, link);
    end.onBytes = (piece) => this.#do(link, handshake.receive(piece, this.world.now));
    end.onGone = () => this.#drop(link);
  }

  /** Everything that it knew is gone; links end. */
  restart(): void {
    for (const link of this.#links.values()) {
      link.deadline.cancelled = true;
      link.end.hangUp();
    }
    this.#links.clear();
    // The memory of the process that ended is free again, but nobody is told anything.
    const gone = { reason: "session_lost", code: 6, clean: false, error: undefined } as const;
    for (const { session } of this.#runners.values()) session.lose(gone, this.world.now);
    this.#runners.clear();
    this.acceptor = this.#newAcceptor();
  }

  /** Liveness and expiry; called now and then. */
  check(): void {
    const { now } = this.world;
    for (const link of this.#links.values()) {
      const { runner } = link;
      if (runner?.link === link.end && now - runner.heardAt > this.patienceMs) this.#drop(link);
    }
    if (this.acceptor.nextTimeout() <= now) this.acceptor.timeout(now);
    for (const runner of this.#runners.values()) runner.touched();
  }

  linkFailed(runner: Runner, code: string): void {
    if (code !== "ended") this.#around.linkFailed(code);
    const link = runner.link === undefined ? undefined : this.#links.get(runner.link);
    if (link === undefined) runner.letGo();
    else this.#drop(link);
  }

  ended(runner: Runner, end: SessionEnd): void {
    this.#around.ended(runner, end);
    this.#runners.delete(runner.session);
    for (const kept of this.acceptor.sessions()) {
      if (kept.session === runner.session) this.acceptor.release(kept, this.world.now);
    }
  }

  heard(runner: Runner, event: SessionEvent): void {
    this.#around.heard(runner, event);
  }

  #newAcceptor(): Acceptor {
    const { secretHash, entropy, knobs } = this.#around;
    return new Acceptor({
      entropy,
      newSession: () => this.#newSession(),
      features: FEATURE.datagrams | FEATURE.resume | (knobs.exporter ? FEATURE.tlsBinding : 0),
      ...(secretHash === undefined ? {} : { secretHashes: () => [secretHash] }),
      allowUnboundProofs: !knobs.exporter,
    });
  }

  #newSession(): Session {
    const { growthPool, replayPool, knobs, dice } = this.#around;
    const session = createSession({
      role: "server",
      limits: knobs.limits.server,
      growthPool,
      replayPool,
      onWork: () => (runner.dirty = true),
    });
    const runner: Runner = new Runner(this, dice.fork(), session);
    this.#runners.set(session, runner);
    this.begun += 1;
    return session;
  }

  #do(link: ServerLink, step: ServerStep): void {
    if (step.detached !== undefined) this.#hangUpOld(step.detached, link);
    for (const frame of step.send ?? []) link.end.write(frame);
    if (step.refused !== undefined) this.refusals += 1;
    if (step.hmac !== undefined) {
      this.#around.hmac(step.hmac, (digest) => this.#do(link, link.handshake.proved(digest, this.world.now)));
    }
    if (step.ask !== undefined) {
      const verdict = {
        type: "accept",
        heartbeatMs: 1_000,
        resumeTtlMs: this.resumeTtlMs,
        reconnectWindowMs: 1_000,
      } as const;
      const delayMs = this.knobs.proofMs * this.#around.dice.random();
      if (delayMs === 0) this.#do(link, link.handshake.decided(verdict, this.world.now));
      else this.world.after(delayMs, () => this.#do(link, link.handshake.decided(verdict, this.world.now)));
    }
    if (step.outcome !== undefined) this.#outcome(link, step.outcome);
  }

  #outcome(link: ServerLink, outcome: ServerOutcome): void {
    link.deadline.cancelled = true;
    if (outcome.type === "refused") {
      this.world.note(`server: refused link ${link.end.link.id}: ${outcome.failure.code}`);
      return this.#drop(link);
    }
    const runner = this.#runners.get(outcome.session.session);
    if (runner === undefined) return this.world.fail("server", "a session that nobody made");
    if (runner.book === undefined) this.#around.began(runner, outcome.session);
    if (link.end.closed || link.end.gone) return this.#drop(link);
    link.runner = runner;
    runner.attach(link.end, new Uint8Array());
  }

  #hangUpOld(session: ServerSession, by: ServerLink): void {
    const runner = this.#runners.get(session.session);
    const end = runner?.link;
    if (runner === undefined || end === undefined || end === by.end) return;
    this.#links.delete(end);
    runner.letGo(true);
  }

  #drop(link: ServerLink): void {
    link.deadline.cancelled = true;
    this.#links.delete(link.end);
    link.handshake.linkEnded(this.world.now);
    if (link.runner?.link === link.end) link.runner.letGo();
    else link.end.hangUp();
  }
}
