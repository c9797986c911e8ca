// The links of a simulated world: each is drawn when it is made, with what will go wrong with it.
import type { LinkTrust } from "../../session/handshake/surface.ts";
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import { ByteLink, type LinkEnd } from "./byte-link.ts";
import type { ByteWayTraits } from "./byte-way.ts";
import type { SessionKnobs } from "./knobs.ts";
import { Tap, type TappedSession, type TapPair } from "./tap.ts";

export interface MadeLink {
  readonly client: LinkEnd;
  readonly server: LinkEnd;
  readonly clientTrust: LinkTrust;
  readonly serverTrust: LinkTrust;
}

const RESUME_OK_BYTES = 80;
const LARGE = 1_200;

export class Network {
  /** Links fall ill. */
  stormy = true;
  /** Nobody can be reached. */
  down = false;
  readonly counts: { links: number; cuts: number; silent: number; black: number; insideResumeOk: number } = {
    links: 0,
    cuts: 0,
    silent: 0,
    black: 0,
    insideResumeOk: 0,
  };
  /** What is changed of the traits of links from now on, for directed cases. */
  traits: Partial<ByteWayTraits> = {};
  readonly #world: World;
  readonly #dice: Dice;
  readonly #knobs: SessionKnobs;
  readonly #sessionOf: (id: string) => TappedSession;
  readonly #living: Set<ByteLink> = new Set();

  constructor(world: World, dice: Dice, knobs: SessionKnobs, sessionOf: (id: string) => TappedSession) {
    this.#world = world;
    this.#dice = dice;
    this.#knobs = knobs;
    this.#sessionOf = sessionOf;
  }

  connect(): MadeLink | undefined {
    if (this.down) return undefined;
    const dice = this.#dice;
    const far = this.stormy && dice.chance(this.#knobs.slowLinks) ? dice.between(1, 20) : 1;
    const drops = this.stormy && dice.chance(this.#knobs.dropsLarge) ? dice.pick(["up", "down", "both"]) : "";
    const insideResumeOk = this.stormy && dice.chance(this.#knobs.cutsInResumeOk);
    const up = this.#way("client", far, drops === "up" || drops === "both");
    const down = this.#way("server", far, drops === "down" || drops === "both");
    const cutAtByte = insideResumeOk ? dice.whole(1, RESUME_OK_BYTES) : down.cutAtByte;
    if (insideResumeOk) this.counts.insideResumeOk += 1;
    const link = new ByteLink(this.#world, dice.fork(), ++this.counts.links, {
      up,
      down: { ...down, cutAtByte },
      clientNoticesMs: this.#knobs.clientNoticesMs * dice.random(),
      serverNoticesMs: this.#knobs.serverNoticesMs * dice.random(),
    });
    if (drops !== "") link.faulty = true;
    this.#listen(link);
    if (this.stormy) this.#fate(link);
    this.#living.add(link);
    return { client: link.client, server: link.server, ...this.#trust() };
  }

  cutAll(): void {
    for (const link of this.#living) this.#cut(link, 0);
  }

  blackenAll(up: boolean, down: boolean): void {
    for (const link of this.#living) link.blacken(up, down);
  }

  #way(side: "client" | "server", far: number, drops: boolean): ByteWayTraits {
    const dice = this.#dice;
    const knobs = this.#knobs;
    const inside = this.stormy && dice.chance(knobs.cutInsideChunk * 0.3);
    return {
      latencyMs: knobs.latencyMs * far * dice.between(0.5, 1),
      jitterMs: knobs.jitterMs,
      bytesPerMs: knobs.bytesPerMs,
      mtu: knobs.mtu,
      segmentBytes: Math.max(drops ? 2 * LARGE : 1, knobs.segmentBytes),
      kernelBytes: knobs.kernelBytes[side],
      dropAbove: drops ? LARGE : Infinity,
      cutAtByte: inside ? Math.round(dice.magnitude(90, 100_000)) : Infinity,
      ...this.traits,
    };
  }

  #trust(): { clientTrust: LinkTrust; serverTrust: LinkTrust } {
    const exporter = this.#knobs.exporter ? new Uint8Array(32).fill(this.#dice.whole(0, 255)) : undefined;
    const trust = { confidential: true, exporter, relayIdentity: "name:relay" };
    return { clientTrust: trust, serverTrust: trust };
  }

  #listen(link: ByteLink): void {
    const shared: TapPair = {
      pair: undefined,
      clientStart: 0,
      serverStart: 0,
      pings: { client: new Set(), server: new Set() },
      attached: false,
    };
    const fail = (invariant: string, message: string): never =>
      this.#world.fail(invariant, `link ${link.id}: ${message}`);
    const up = new Tap(true, shared, this.#sessionOf, fail);
    const down = new Tap(false, shared, this.#sessionOf, fail);
    link.client.onWrite = (bytes) => up.hear(bytes);
    link.server.onWrite = (bytes) => down.hear(bytes);
  }

  #fate(link: ByteLink): void {
    const dice = this.#dice;
    const black = dice.chance(this.#knobs.blackHoles);
    const silent = dice.chance(this.#knobs.silentCuts);
    const quietMs = silent ? dice.between(500, 5_500) : 0;
    const [up, down] = dice.pick<readonly [boolean, boolean]>([
      [true, true],
      [true, false],
      [false, true],
    ]);
    this.#world.after(dice.gap(this.#knobs.meanLifeMs), () => {
      if (!this.stormy) return;
      if (!black) return this.#cut(link, quietMs);
      this.counts.black += 1;
      this.#world.note(`link ${link.id} swallows`);
      link.blacken(up, down);
    });
  }

  #cut(link: ByteLink, quietMs: number): void {
    this.#living.delete(link);
    if (link.client.closed && link.server.closed) return;
    this.counts.cuts += 1;
    if (quietMs > 0) this.counts.silent += 1;
    this.#world.note(`link ${link.id} is cut`);
    link.cut(quietMs);
  }
}
