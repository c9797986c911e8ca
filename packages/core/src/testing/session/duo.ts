// Two ends of a session and nothing between them: whoever holds it carries the bytes, as many as they please, and cuts
// where they please. For cases that a world meets too rarely. The handshakes are real.
import { FEATURE } from "../../session/codes.ts";
import type { SessionEvent } from "../../session/events.ts";
import { Acceptor } from "../../session/handshake/acceptor.ts";
import { ClientHandshake } from "../../session/handshake/client.ts";
import { ServerHandshake } from "../../session/handshake/server.ts";
import {
  newInstance,
  type ClientOutcome,
  type HandshakeStep,
  type Instance,
  type LinkTrust,
  type Resumption,
  type ServerOutcome,
  type ServerStep,
} from "../../session/handshake/surface.ts";
import { createSession } from "../../session/index.ts";
import { DEFAULT_SESSION_LIMITS, type SessionLimits } from "../../session/limits.ts";
import { Pool } from "../../session/pool.ts";
import type { Session } from "../../session/session.ts";
import { Dice } from "../random.ts";
import { Violation } from "../violation.ts";
import type { Side } from "./book.ts";
import { Sequence } from "./sequence.ts";
import { Tap, type TapPair } from "./tap.ts";
import { toyHmac } from "./toy-hmac.ts";

export interface DuoOptions {
  readonly client?: Partial<SessionLimits>;
  readonly server?: Partial<SessionLimits>;
  readonly trust?: Partial<LinkTrust>;
  readonly features?: number;
  readonly secretHash?: Uint8Array;
  readonly resumeTtlMs?: number;
  readonly maxSessions?: number;
  /** Of its random bytes. Default 7. */
  readonly seed?: number;
}

/** One link of a duo: its handshakes run when the bytes are carried. */
export class DuoLink {
  readonly clientOut: Uint8Array[] = [];
  readonly serverOut: Uint8Array[] = [];
  clientOutcome: ClientOutcome | undefined = undefined;
  serverOutcome: ServerOutcome | undefined = undefined;
  refused: string | undefined = undefined;
  client: ClientHandshake;
  readonly server: ServerHandshake;
  readonly #duo: Duo;

  constructor(duo: Duo, client: ClientHandshake, server: ServerHandshake) {
    this.#duo = duo;
    this.client = client;
    this.server = server;
  }

  /** What the client sends of itself. */
  start(): this {
    this.#client(this.client.start(this.#duo.now));
    return this;
  }

  /** Let the client's frames arrive, or others in their place. */
  up(bytes: readonly Uint8Array[] = this.clientOut.splice(0)): this {
    for (const piece of bytes) this.#server(this.server.receive(piece, this.#duo.now));
    return this;
  }

  /** Let the server's frames arrive, or others in their place. */
  down(bytes: readonly Uint8Array[] = this.serverOut.splice(0)): this {
    for (const piece of bytes) this.#client(this.client.receive(piece, this.#duo.now));
    return this;
  }

  /** Both, until nothing more comes. */
  carry(): this {
    while (this.clientOut.length + this.serverOut.length > 0) this.up().down();
    return this;
  }

  #client(step: HandshakeStep<ClientOutcome>): void {
    this.clientOut.push(...(step.send ?? []));
    for (const frame of step.send ?? []) this.#duo.tapOf("client").hear(frame);
    if (step.hmac !== undefined) this.#client(this.client.proved(toyHmac(step.hmac), this.#duo.now));
    if (step.outcome === undefined) return;
    this.clientOutcome = step.outcome;
    if (step.outcome.type === "greeted") this.#duo.resumption = step.outcome.resumption;
    if ("rest" in step.outcome) this.#duo.client.receive(step.outcome.rest, this.#duo.now);
  }

  #server(step: ServerStep): void {
    this.serverOut.push(...(step.send ?? []));
    for (const frame of step.send ?? []) this.#duo.tapOf("server").hear(frame);
    if (step.refused !== undefined) this.refused = step.refused.code;
    if (step.hmac !== undefined) this.#server(this.server.proved(toyHmac(step.hmac), this.#duo.now));
    if (step.ask !== undefined) {
      const { resumeTtlMs } = this.#duo;
      const verdict = { type: "accept", heartbeatMs: 0, resumeTtlMs, reconnectWindowMs: 1_000 } as const;
      this.#server(this.server.decided(verdict, this.#duo.now));
    }
    if (step.outcome === undefined) return;
    this.serverOutcome = step.outcome;
    if (step.outcome.type === "attached") this.#duo.joined(step.outcome.session.session);
  }
}

export class Duo {
  now = 1_000;
  client: Session;
  resumption: Resumption | undefined = undefined;
  instance: Instance;
  readonly acceptor: Acceptor;
  readonly resumeTtlMs: number;
  readonly growth: Readonly<Record<Side, Pool>> = { client: new Pool(1 << 22), server: new Pool(1 << 22) };
  readonly replay: Readonly<Record<Side, Pool>> = { client: new Pool(1 << 28), server: new Pool(1 << 28) };
  /** How often each session said that it has work. */
  readonly work: Record<Side, number> = { client: 0, server: 0 };
  readonly trust: LinkTrust;
  readonly limits: Readonly<Record<Side, SessionLimits>>;
  readonly #options: DuoOptions;
  readonly #dice: Dice;
  #server: Session | undefined = undefined;
  #taps: Readonly<Record<Side, Tap>>;
  #sequences: { client: Sequence; server: Sequence };

  constructor(options: DuoOptions = {}) {
    this.#options = options;
    this.#dice = Dice.seeded(options.seed ?? 7);
    this.limits = {
      client: { ...DEFAULT_SESSION_LIMITS, ...options.client },
      server: { ...DEFAULT_SESSION_LIMITS, ...options.server },
    };
    this.resumeTtlMs = options.resumeTtlMs ?? 900_000;
    this.trust = { confidential: true, exporter: undefined, relayIdentity: "name:relay", ...options.trust };
    this.instance = newInstance((bytes) => this.entropy(bytes));
    const { secretHash, maxSessions } = options;
    this.acceptor = new Acceptor({
      entropy: (bytes) => this.entropy(bytes),
      newSession: () => this.#newSession("server"),
      features: this.#features,
      ...(secretHash === undefined ? {} : { secretHashes: () => [secretHash] }),
      ...(maxSessions === undefined ? {} : { maxSessions }),
    });
    this.client = this.#newSession("client");
    this.#sequences = this.#newSequences();
    this.#taps = this.#newTaps();
  }

  get server(): Session {
    return this.#server ?? this.fail("duo", "the server has no session yet");
  }

  session(side: Side): Session {
    return side === "client" ? this.client : this.server;
  }

  entropy(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#dice.whole(0, 255));
  }

  tapOf(side: Side): Tap {
    return this.#taps[side];
  }

  joined(server: Session): void {
    if (this.#server !== server) {
      // Another session than the one before: what was said in that one counts no more.
      this.#server = server;
      this.#sequences.client.session = this.client;
      this.#sequences.server.session = server;
    }
  }

  /** A client that begins anew, as after a lost session. */
  renew(): void {
    this.client = this.#newSession("client");
    this.resumption = undefined;
    this.#sequences = this.#newSequences();
  }

  /** A link with both handshakes on it, not carried yet. `serverTrust`: what the server knows of the link. */
  link(serverTrust: Partial<LinkTrust> = {}, clientTrust: Partial<LinkTrust> = {}): DuoLink {
    this.#taps = this.#newTaps();
    const server = new ServerHandshake({
      acceptor: this.acceptor,
      trust: { ...this.trust, ...serverTrust },
    });
    return new DuoLink(this, this.clientHandshake(clientTrust), server);
  }

  clientHandshake(trust: Partial<LinkTrust> = {}): ClientHandshake {
    const { resumption } = this;
    return new ClientHandshake({
      identity: {
        owner: undefined,
        secretHash: this.#options.secretHash,
        credentials: undefined,
        heartbeatMs: 0,
        features: this.#features,
      },
      instance: this.instance,
      trust: { ...this.trust, ...trust },
      entropy: (bytes) => this.entropy(bytes),
      continues: resumption === undefined ? { fresh: this.client } : { resumption },
    });
  }

  /** Greet or resume, at once. */
  connect(): DuoLink {
    const link = this.link().start().carry();
    const { clientOutcome, serverOutcome } = link;
    this.expect(
      clientOutcome !== undefined && clientOutcome.type !== "refused" && serverOutcome?.type === "attached",
      "connect",
      `${clientOutcome?.type}, ${serverOutcome?.type}`,
    );
    return link;
  }

  /** The link is gone at both ends. */
  cut(): void {
    this.client.detach(this.now);
    this.server.detach(this.now);
  }

  /** What an end has to send within `room`, as pieces. */
  take(side: Side, room: number = 1 << 20): Uint8Array[] {
    const session = this.session(side);
    const pieces: Uint8Array[] = [];
    for (let left = room; ;) {
      const piece = session.pollTransmit(left, this.now);
      if (piece === undefined) return pieces;
      this.#taps[side].hear(piece);
      pieces.push(piece.slice());
      left -= piece.length;
    }
  }

  give(side: Side, pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.session(side).receive(piece, this.now);
  }

  /** Everything, both ways, until nothing more comes; time passes for delayed acknowledgements. */
  flow(ms = 0): void {
    const until = this.now + ms;
    for (;;) {
      const up = this.take("client");
      const down = this.take("server");
      this.give("server", up);
      this.give("client", down);
      if (up.length + down.length > 0) continue;
      const next = Math.min(this.client.nextTimeout(), this.server.nextTimeout());
      if (next > until) break;
      this.now = Math.max(this.now, next);
      this.tick();
    }
    this.now = until;
  }

  tick(): void {
    for (const side of ["client", "server"] as const) {
      const session = this.session(side);
      if (session.nextTimeout() <= this.now) session.timeout(this.now);
    }
    if (this.acceptor.nextTimeout() <= this.now) this.acceptor.timeout(this.now);
  }

  events(side: Side): SessionEvent[] {
    const events: SessionEvent[] = [];
    for (
      let event = this.session(side).pollEvent();
      event !== undefined;
      event = this.session(side).pollEvent()
    )
      events.push(event);
    return events;
  }

  expect(holds: boolean, invariant: string, message: string): void {
    if (!holds) this.fail(invariant, message);
  }

  fail(invariant: string, message: string): never {
    throw new Violation(invariant, message, 0, this.now);
  }

  get #features(): number {
    return this.#options.features ?? FEATURE.datagrams | FEATURE.resume;
  }

  #newSession(side: Side): Session {
    return createSession({
      role: side,
      limits: this.limits[side],
      growthPool: this.growth[side],
      replayPool: this.replay[side],
      onWork: () => (this.work[side] += 1),
    });
  }

  #newSequences(): { client: Sequence; server: Sequence } {
    const { client: own, server: theirs } = this.limits;
    const fail = (invariant: string, message: string): never => this.fail(invariant, message);
    const client = new Sequence(true, own, theirs, fail);
    const server = new Sequence(false, theirs, own, fail);
    client.other = server;
    server.other = client;
    return { client, server };
  }

  #newTaps(): Readonly<Record<Side, Tap>> {
    const shared: TapPair = {
      pair: undefined,
      clientStart: 0,
      serverStart: 0,
      pings: { client: new Set(), server: new Set() },
      attached: false,
    };
    const fail = (invariant: string, message: string): never => this.fail(invariant, message);
    const tap = (fromClient: boolean): Tap => new Tap(fromClient, shared, () => this.#sequences, fail);
    return { client: tap(true), server: tap(false) };
  }
}
