// The client of a simulated world: dials, greets or resumes, and dials again. Sometimes it dials although its link is
// good, and gives up handshakes whose answer would still have come.
import { FEATURE } from "../../session/codes.ts";
import { createSession } from "../../session/index.ts";
import type { SessionEnd, SessionEvent } from "../../session/events.ts";
import { ClientHandshake } from "../../session/handshake/client.ts";
import type { HmacRequest } from "../../session/handshake/proof.ts";
import {
  newInstance,
  type ClientOutcome,
  type HandshakeStep,
  type Instance,
  type LinkTrust,
  type Resumption,
} from "../../session/handshake/surface.ts";
import type { Pool } from "../../session/pool.ts";
import type { Session } from "../../session/session.ts";
import type { Appointment } from "../agenda.ts";
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import type { LinkEnd } from "./byte-link.ts";
import type { SessionKnobs } from "./knobs.ts";
import { Runner, type RunnerOwner } from "./runner.ts";

/** What a client needs of the world around it. */
export interface ClientSurroundings {
  readonly world: World;
  readonly dice: Dice;
  readonly knobs: SessionKnobs;
  readonly growthPool: Pool;
  readonly replayPool: Pool;
  readonly secretHash: Uint8Array | undefined;
  readonly entropy: (bytes: number) => Uint8Array;
  /** Answer later, or at once. */
  hmac(request: HmacRequest, answer: (digest: Uint8Array) => void): void;
  /** A link to the server, or nothing if it cannot be reached now. */
  connect(): { readonly end: LinkEnd; readonly trust: LinkTrust } | undefined;
  /** A session has begun. */
  greeted(client: ClientEnd, runner: Runner, resumption: Resumption): void;
  resumed(client: ClientEnd): void;
  ended(client: ClientEnd, runner: Runner, end: SessionEnd): void;
  heard(runner: Runner, event: SessionEvent): void;
  linkFailed(code: string): void;
}

interface Run {
  readonly end: LinkEnd;
  handshake: ClientHandshake;
  readonly trust: LinkTrust;
  readonly deadline: Appointment;
}

export class ClientEnd implements RunnerOwner {
  readonly world: World;
  readonly knobs: SessionKnobs;
  readonly side = "client";
  readonly #around: ClientSurroundings;
  readonly #dice: Dice;
  instance: Instance;
  runner: Runner;
  resumption: Resumption | undefined = undefined;
  /** No more dials. */
  over = false;
  /** Begin anew when a session is lost. */
  renew = true;
  /** Milliseconds without a byte after which a link is given up. */
  patienceMs: number;
  #run: Run | undefined = undefined;
  #dialling: Appointment | undefined = undefined;

  constructor(around: ClientSurroundings) {
    this.#around = around;
    this.world = around.world;
    this.knobs = around.knobs;
    this.#dice = around.dice;
    this.instance = newInstance((bytes) => around.entropy(bytes));
    this.runner = this.#freshRunner();
    this.patienceMs = around.knobs.heartbeatTimeoutMs;
  }

  get session(): Session {
    return this.runner.session;
  }

  /** Handshake or session on it, or nothing. */
  get link(): LinkEnd | undefined {
    return this.#run?.end ?? this.runner.link;
  }

  /** Dial now, whatever there is. A handshake under way is given up; its frames may still arrive. */
  dial(): void {
    if (this.over) return;
    if (this.#dialling !== undefined) this.#dialling.cancelled = true;
    this.#dialling = this.world.after(this.knobs.connectMs * this.#dice.random(), () => {
      this.#dialling = undefined;
      this.#connected();
    });
  }

  /** After a pause, if there is neither a link nor a dial. */
  redial(): void {
    if (this.over || this.#dialling !== undefined) return;
    this.#dialling = this.world.after(this.knobs.redialMs * (0.5 + this.#dice.random()), () => {
      this.#dialling = undefined;
      this.dial();
    });
  }

  /** Liveness, and the handshake's deadline; called now and then. */
  check(): void {
    const { runner } = this;
    if (runner.link !== undefined && this.world.now - runner.heardAt > this.patienceMs) {
      this.world.note(`client: link ${runner.link.link.id} is silent`);
      this.#drop();
    }
  }

  linkFailed(runner: Runner, code: string): void {
    if (code !== "ended") this.#around.linkFailed(code);
    if (runner !== this.runner) return runner.letGo();
    this.#drop();
  }

  ended(runner: Runner, end: SessionEnd): void {
    if (end.reason === "closed" || end.reason === "replaced") this.#stopDialling();
    this.#around.ended(this, runner, end);
  }

  heard(runner: Runner, event: SessionEvent): void {
    this.#around.heard(runner, event);
  }

  #stopDialling(): void {
    this.over = true;
    if (this.#dialling !== undefined) this.#dialling.cancelled = true;
    this.#abandon();
  }

  #drop(): void {
    this.runner.letGo();
    if (this.#run === undefined) this.redial();
  }

  #freshRunner(): Runner {
    const { growthPool, replayPool, knobs } = this.#around;
    const session = createSession({
      role: "client",
      limits: knobs.limits.client,
      growthPool,
      replayPool,
      onWork: () => (runner.dirty = true),
    });
    const runner: Runner = new Runner(this, this.#around.dice.fork(), session);
    return runner;
  }

  #connected(): void {
    const made = this.over ? undefined : this.#around.connect();
    if (made === undefined) return this.redial();
    this.#abandon();
    const deadline = this.world.after(this.knobs.handshakeMs, () => {
      this.world.note(`client: no answer on link ${made.end.link.id}`);
      this.#failed(made.end);
    });
    const run = { end: made.end, trust: made.trust, handshake: this.#handshake(made.trust), deadline };
    this.#run = run;
    made.end.onGone = () => this.#gone(made.end);
    made.end.onBytes = (piece) => this.#bytes(run, piece);
    this.#do(run, run.handshake.start(this.world.now));
    // RESUME has let the old link go: nothing of it counts any more, and it is hung up.
    if (!this.session.attached && this.runner.link !== undefined) this.runner.letGo();
  }

  #handshake(trust: LinkTrust): ClientHandshake {
    const { resumption } = this;
    return new ClientHandshake({
      identity: {
        owner: undefined,
        secretHash: this.#around.secretHash,
        credentials: undefined,
        heartbeatMs: 1_000,
        features: FEATURE.datagrams | FEATURE.resume | (this.knobs.exporter ? FEATURE.tlsBinding : 0),
      },
      instance: this.instance,
      trust,
      entropy: (bytes) => this.#around.entropy(bytes),
      continues: resumption === undefined ? { fresh: this.session } : { resumption },
    });
  }

  #bytes(run: Run, piece: Uint8Array): void {
    if (this.#run === run) this.#do(run, run.handshake.receive(piece, this.world.now));
  }

  #do(run: Run, step: HandshakeStep<ClientOutcome>): void {
    for (const frame of step.send ?? []) run.end.write(frame);
    if (step.hmac !== undefined) {
      const asked = run.handshake;
      this.#around.hmac(step.hmac, (digest) => {
        if (this.#run === run && run.handshake === asked) this.#do(run, asked.proved(digest, this.world.now));
      });
    }
    if (step.outcome !== undefined) return this.#outcome(run, step.outcome);
    if (this.#run === run) run.end.hold(run.handshake.holding);
  }

  #outcome(run: Run, outcome: ClientOutcome): void {
    switch (outcome.type) {
      case "greeted":
        this.resumption = outcome.resumption;
        this.#finish(run);
        this.#around.greeted(this, this.runner, outcome.resumption);
        return this.#attach(run, outcome.rest);
      case "resumed":
        this.#finish(run);
        this.#around.resumed(this);
        return this.#attach(run, outcome.rest);
      case "session_lost":
        return this.#lost(run, outcome.hello, outcome.newInstance);
      case "refused":
        this.world.note(`client: refused on link ${run.end.link.id}: ${outcome.failure.code}`);
        return this.#failed(run.end);
      default:
    }
  }

  #attach(run: Run, rest: Uint8Array): void {
    this.runner.attach(run.end, rest);
    run.end.hold(false);
  }

  /** The old session has ended; its streams are told. The link is good for a HELLO. */
  #lost(run: Run, hello: boolean, newName: boolean): void {
    this.world.note(`client: session lost, ${hello ? "HELLO" : "hang up"}`);
    this.runner.settle();
    this.resumption = undefined;
    if (newName) this.instance = newInstance((bytes) => this.#around.entropy(bytes));
    if (!this.renew) {
      this.over = true;
      return this.#failed(run.end);
    }
    this.runner = this.#freshRunner();
    if (!hello) return this.#failed(run.end);
    run.handshake = this.#handshake(run.trust);
    this.#do(run, run.handshake.start(this.world.now));
  }

  #finish(run: Run): void {
    run.deadline.cancelled = true;
    this.#run = undefined;
  }

  #gone(end: LinkEnd): void {
    if (this.#run?.end === end) return this.#failed(end);
    if (this.runner.link === end) this.#drop();
  }

  #failed(end: LinkEnd): void {
    if (this.#run?.end !== end) return;
    this.#abandon();
    if (this.runner.link === undefined) this.redial();
  }

  #abandon(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#finish(run);
    run.end.hangUp();
  }
}
