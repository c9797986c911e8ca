// A simulated link between a client and a server: two ways, two ends, and all that can go wrong with them.
import type { Dice } from "../random.ts";
import type { World } from "../world.ts";
import { ByteWay, type ByteWayTraits } from "./byte-way.ts";

export interface ByteLinkTraits {
  readonly up: ByteWayTraits;
  readonly down: ByteWayTraits;
  /** How long each end takes to see that the link is gone. */
  readonly clientNoticesMs: number;
  readonly serverNoticesMs: number;
}

/** What one process holds of a link. */
export class LinkEnd {
  onBytes: (piece: Uint8Array) => void = () => undefined;
  /** The link is gone, and this end has seen it. */
  onGone: () => void = () => undefined;
  onTaken: () => void = () => undefined;
  /** Everything that is written, before the link has it: for oracles. */
  onWrite: (bytes: Uint8Array) => void = () => undefined;
  /** This end has let go. */
  closed = false;
  gone = false;
  readonly link: ByteLink;
  readonly #out: ByteWay;
  readonly #in: ByteWay;
  readonly #hangUp: () => void;

  constructor(link: ByteLink, out: ByteWay, into: ByteWay, hangUp: () => void) {
    this.link = link;
    this.#out = out;
    this.#in = into;
    this.#hangUp = hangUp;
    out.onTaken = () => this.onTaken();
    into.onArrive = (piece) => this.onBytes(piece);
  }

  get queuedBytes(): number {
    return this.#out.queuedBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.closed || this.gone) return;
    this.onWrite(bytes);
    this.#out.write(bytes);
  }

  hold(held: boolean): void {
    this.#in.hold(held);
  }

  /** What the system has of ours still arrives, then the other end learns of it, unless the path swallows. */
  hangUp(): void {
    if (this.closed) return;
    this.closed = true;
    this.#hangUp();
  }
}

export class ByteLink {
  readonly id: number;
  readonly client: LinkEnd;
  readonly server: LinkEnd;
  readonly #up: ByteWay;
  readonly #down: ByteWay;
  /** Something was done to it: whoever gives it up now is right to do so. */
  faulty = false;
  readonly #world: World;
  readonly #traits: ByteLinkTraits;

  constructor(world: World, dice: Dice, id: number, traits: ByteLinkTraits) {
    this.id = id;
    this.#world = world;
    this.#traits = traits;
    this.#up = new ByteWay(world, dice.fork(), traits.up);
    this.#down = new ByteWay(world, dice.fork(), traits.down);
    this.client = new LinkEnd(this, this.#up, this.#down, () => this.#end(this.#up, this.server));
    this.server = new LinkEnd(this, this.#down, this.#up, () => this.#end(this.#down, this.client));
    this.#up.onCut = () => this.cut(0);
    this.#down.onCut = () => this.cut(0);
  }

  /** Both ends lose it; each sees that later, and `quietMs` later still. */
  cut(quietMs: number): void {
    this.faulty = true;
    this.#up.sever();
    this.#down.sever();
    this.#tell(this.client, quietMs + this.#traits.clientNoticesMs);
    this.#tell(this.server, quietMs + this.#traits.serverNoticesMs);
  }

  /** Nothing comes through any more in these directions, and nobody is told. */
  blacken(up: boolean, down: boolean): void {
    this.faulty = true;
    if (up) this.#up.black = true;
    if (down) this.#down.black = true;
  }

  /** Whether something was lost on the way without a word. */
  get swallowing(): boolean {
    return this.#up.black || this.#down.black;
  }

  /** No round trip is shorter. */
  get leastRoundTripMs(): number {
    return this.#traits.up.latencyMs + this.#traits.down.latencyMs;
  }

  /** When the last byte under way arrives at the latest. */
  get quietAt(): number {
    return Math.max(this.#up.emptyAt, this.#down.emptyAt);
  }

  #end(way: ByteWay, other: LinkEnd): void {
    this.faulty = true;
    way.close();
    if (way.black) return;
    const noticesMs = other === this.client ? this.#traits.clientNoticesMs : this.#traits.serverNoticesMs;
    const travelMs = (other === this.client ? this.#traits.down : this.#traits.up).latencyMs;
    this.#world.at(way.emptyAt + travelMs, () => {
      if (!way.black) this.#tell(other, noticesMs);
    });
  }

  #tell(end: LinkEnd, delayMs: number): void {
    this.#world.after(delayMs, () => {
      if (end.gone || end.closed) return;
      end.gone = true;
      end.onGone();
    });
  }
}
