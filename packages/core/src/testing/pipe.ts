// A connection: two wires, and two ends that learn of its death each in its own time, or never.
import type { Dice } from "./random.ts";
import { Wire, type WireTraits } from "./wire.ts";
import type { World } from "./world.ts";

/** How an end learns that the connection is over. */
export type PipeEnding = "closed" | "reset";

/** What an end's owner wants to hear. */
export interface PipeListener<M> {
  message(message: M, size: number): void;
  /** Once, last. */
  ended(how: PipeEnding): void;
}

export interface PipeTraits {
  /** Towards the far end, and back. */
  readonly out: WireTraits;
  readonly back: WireTraits;
}

/** How long until each end notices a cut; `undefined`: never. */
export interface Noticing {
  readonly nearMs: number | undefined;
  readonly farMs: number | undefined;
}

export class Pipe<M> {
  readonly near: PipeEnd<M>;
  readonly far: PipeEnd<M>;
  readonly #world: World;
  readonly #out: Wire<M>;
  readonly #back: Wire<M>;

  constructor(world: World, dice: Dice, traits: PipeTraits) {
    const noticed: Noticing = { nearMs: traits.out.latencyMs, farMs: traits.back.latencyMs };
    const cut = (): void => this.cut(noticed);
    this.#world = world;
    this.#out = new Wire(world, dice, traits.out, (message, size) => this.far.receive(message, size), cut);
    this.#back = new Wire(world, dice, traits.back, (message, size) => this.near.receive(message, size), cut);
    this.near = new PipeEnd(this.#out, () => this.far.finish("closed"));
    this.far = new PipeEnd(this.#back, () => this.near.finish("closed"));
  }

  /** Everything is swallowed from now on; neither end is told. */
  blacken(): void {
    this.#out.black = true;
    this.#back.black = true;
  }

  /** The connection breaks; each end notices in its time. */
  cut(noticing: Noticing): void {
    this.blacken();
    if (noticing.nearMs !== undefined) this.#tell(this.near, noticing.nearMs, "reset");
    if (noticing.farMs !== undefined) this.#tell(this.far, noticing.farMs, "reset");
  }

  #tell(end: PipeEnd<M>, delayMs: number, how: PipeEnding): void {
    this.#world.after(delayMs, () => end.finish(how));
  }
}

export class PipeEnd<M> {
  readonly #wire: Wire<M>;
  readonly #otherFinishes: () => void;
  #listener: PipeListener<M> | undefined = undefined;
  #over = false;

  constructor(wire: Wire<M>, otherFinishes: () => void) {
    this.#wire = wire;
    this.#otherFinishes = otherFinishes;
  }

  get open(): boolean {
    return !this.#over;
  }

  listen(listener: PipeListener<M>): void {
    this.#listener = listener;
  }

  send(message: M, size: number): void {
    if (!this.#over) this.#wire.send(message, size);
  }

  /** End it from this side. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#wire.end(this.#otherFinishes);
  }

  receive(message: M, size: number): void {
    if (!this.#over) this.#listener?.message(message, size);
  }

  finish(how: PipeEnding): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener?.ended(how);
  }
}
