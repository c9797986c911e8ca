// A world with a server, clients and their sessions, and the books that are kept of them.
import type { SessionEnd } from "../../session/events.ts";
import type { HmacRequest } from "../../session/handshake/proof.ts";
import { Pool } from "../../session/pool.ts";
import type { Dice } from "../random.ts";
import { World } from "../world.ts";
import { App, type AppCounts } from "./app.ts";
import { SessionBook, type Side } from "./book.ts";
import { ClientEnd } from "./client-end.ts";
import type { SessionKnobs } from "./knobs.ts";
import { Network } from "./network.ts";
import type { Runner } from "./runner.ts";
import { ServerEnd, type ServerSurroundings } from "./server-end.ts";
import { hex } from "./tap.ts";
import { toyHmac } from "./toy-hmac.ts";

export interface SessionWorldOptions {
  readonly seed: number;
  readonly knobs: SessionKnobs;
  readonly trace?: ((line: string) => void) | undefined;
  /** Default: a fast digest without cryptographic worth. */
  readonly hmac?: ((request: HmacRequest) => Uint8Array) | undefined;
}

export interface EndedSession {
  readonly side: Side;
  readonly runner: Runner;
  readonly end: SessionEnd;
}

const SIDES = ["client", "server"] as const;

/** What both kinds of ends need of the world. */
type Surroundings = Omit<ServerSurroundings, "secretHash" | "began">;

export class SessionWorld {
  readonly world: World;
  readonly dice: Dice;
  readonly knobs: SessionKnobs;
  readonly network: Network;
  readonly server: ServerEnd;
  readonly clients: ClientEnd[] = [];
  readonly books: Map<string, SessionBook> = new Map();
  readonly apps: Map<Runner, App> = new Map();
  readonly ends: EndedSession[] = [];
  readonly pools: Readonly<Record<Side, { growth: Pool; replay: Pool }>>;
  readonly counts: AppCounts & { resumes: number; noProgress: number } = {
    bytesChecked: 0,
    resets: 0,
    stops: 0,
    notProcessed: 0,
    streams: 0,
    datagrams: 0,
    resumes: 0,
    noProgress: 0,
  };
  /** A session may end other than by a drain now. */
  mayEnd: (runner: Runner, end: SessionEnd) => boolean = () => false;
  /** Applications open streams by themselves. */
  busy = true;
  readonly #hmac: (request: HmacRequest) => Uint8Array;

  constructor(options: SessionWorldOptions) {
    const { knobs, trace } = options;
    this.world = new World({
      seed: options.seed,
      mostAtOnce: 50_000,
      ...(trace === undefined ? {} : { trace }),
    });
    this.dice = this.world.dice.fork();
    this.knobs = knobs;
    this.#hmac = options.hmac ?? toyHmac;
    const pool = (side: Side): { growth: Pool; replay: Pool } => ({
      growth: new Pool(knobs.growthPoolBytes[side]),
      replay: new Pool(knobs.replayPoolBytes[side]),
    });
    this.pools = { client: pool("client"), server: pool("server") };
    this.network = new Network(this.world, this.dice.fork(), knobs, (id) => this.#bookOf(id));
    const secretHash = knobs.secret ? this.#entropy(32) : undefined;
    this.server = new ServerEnd({
      ...this.#around("server"),
      secretHash,
      began: (runner, session) => this.#join("server", runner, session.id),
    });
    for (let i = 0; i < knobs.clients; i++) this.clients.push(this.#newClient(secretHash));
    this.#checkNowAndThen();
  }

  /** Every runner that has a session, on either side. */
  get runners(): readonly Runner[] {
    return [...this.clients.map(({ runner }) => runner), ...this.server.runners];
  }

  app(runner: Runner): App {
    const app = this.apps.get(runner);
    if (app === undefined) return this.world.fail("app", "a session without an application");
    return app;
  }

  #around(side: Side): Surroundings {
    return {
      world: this.world,
      dice: this.dice.fork(),
      knobs: this.knobs,
      growthPool: this.pools[side].growth,
      replayPool: this.pools[side].replay,
      entropy: (bytes: number) => this.#entropy(bytes),
      hmac: (request: HmacRequest, answer: (digest: Uint8Array) => void) => this.#answer(request, answer),
      heard: (runner: Runner, event: Parameters<App["hear"]>[0]) => {
        this.apps.get(runner)?.hear(event);
      },
      linkFailed: (code: string) => {
        this.world.note(`${side}: link failed, ${code}`);
        if (code === "no_progress") this.counts.noProgress += 1;
      },
      ended: (runner: Runner, end: SessionEnd) => this.#ended(side, runner, end),
    };
  }

  #newClient(secretHash: Uint8Array | undefined): ClientEnd {
    const client: ClientEnd = new ClientEnd({
      ...this.#around("client"),
      secretHash,
      connect: () => {
        const made = this.network.connect();
        if (made === undefined) return undefined;
        this.server.take(made.server, made.serverTrust);
        return { end: made.client, trust: made.clientTrust };
      },
      ended: (_client, runner, end) => this.#ended("client", runner, end),
      greeted: (_client, runner, resumption) => this.#join("client", runner, hex(resumption.sessionId)),
      resumed: () => {
        this.counts.resumes += 1;
        const { rx, txLow } = client.session.position;
        this.world.note(`client: resumed on link ${client.link?.link.id}, rx ${rx}, acked ${txLow}`);
      },
    });
    return client;
  }

  #bookOf(id: string): SessionBook {
    let book = this.books.get(id);
    if (book === undefined) {
      const { limits } = this.knobs;
      book = new SessionBook(id, this.books.size, limits, (invariant, message) =>
        this.world.fail(invariant, message),
      );
      this.books.set(id, book);
    }
    return book;
  }

  #join(side: Side, runner: Runner, id: string): void {
    // The link may be gone by now, so that nobody heard the session's name.
    const book = this.#bookOf(id);
    this.world.note(`${side}: session ${book.number} began`);
    book.join(side, runner.session);
    runner.book = book;
    const app = new App(
      this.world,
      this.dice.fork(),
      this.knobs,
      side,
      book,
      runner.session,
      this.counts,
      () => runner.touched(),
    );
    this.apps.set(runner, app);
    if (this.busy) app.start();
  }

  #ended(side: Side, runner: Runner, end: SessionEnd): void {
    this.world.note(
      `${side}: session ended: ${end.reason}, code ${end.code}, ${end.clean ? "clean" : "not clean"}`,
    );
    this.ends.push({ side, runner, end });
    if (runner.book?.broken !== true && !this.mayEnd(runner, end))
      this.world.fail("ended", `${side}: ${end.reason}, code ${end.code}: ${end.error?.message ?? ""}`);
  }

  #answer(request: HmacRequest, answer: (digest: Uint8Array) => void): void {
    const digest = this.#hmac(request);
    const { proofMs } = this.knobs;
    if (proofMs === 0) return answer(digest);
    const delayMs = this.dice.chance(0.05) ? this.dice.between(0, 2_000) : this.dice.between(0, proofMs);
    this.world.after(delayMs, () => answer(digest));
  }

  #entropy(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.dice.whole(0, 255);
    return bytes;
  }

  #checkNowAndThen(): void {
    const everyMs = this.network.stormy ? 250 : 2_000;
    this.world.after(everyMs, () => {
      for (const client of this.clients) client.check();
      this.server.check();
      this.#checkNowAndThen();
    });
  }

  /** Sides whose pools are whole again. */
  checkPools(sides: readonly Side[] = SIDES): void {
    for (const side of sides) {
      const { growth, replay } = this.pools[side];
      if (growth.free !== growth.size)
        this.world.fail("pool", `${side}: ${growth.size - growth.free} B of windows were not given back`);
      if (replay.free !== replay.size)
        this.world.fail("pool", `${side}: ${replay.size - replay.free} B of logs were not given back`);
    }
  }
}
