// One direction of a connection: what is sent arrives later, in order, or not at all.
import type { Dice } from "./random.ts";
import type { World } from "./world.ts";

const ORDER_MS = 1e-6;

export interface WireTraits {
  readonly latencyMs: number;
  /** Added to the latency, drawn for each message; order is kept. Default 0. */
  readonly jitterMs?: number;
  /** What is queued behind bulk waits for it. Default: no limit. */
  readonly bytesPerMs?: number;
  /** Larger messages vanish: a path that drops big packets. Default: none. */
  readonly dropAbove?: number;
  /** After so much silence the middle of the path forgets the connection. Default: never. */
  readonly forgetsAfterMs?: number;
  /** Break when this many bytes have been sent. Default: never. */
  readonly cutAtByte?: number;
}

export class Wire<M> {
  /** Nothing arrives any more, and nobody is told. */
  black = false;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #traits: WireTraits;
  readonly #arrive: (message: M, size: number) => void;
  readonly #cut: () => void;
  #lastArrival = 0;
  #freeAt = 0;
  #usedAt: number;
  #sent = 0;

  constructor(
    world: World,
    dice: Dice,
    traits: WireTraits,
    arrive: (message: M, size: number) => void,
    cut: () => void,
  ) {
    this.#world = world;
    this.#dice = dice;
    this.#traits = traits;
    this.#arrive = arrive;
    this.#cut = cut;
    this.#usedAt = world.now;
  }

  /** A FIN goes the way of all bytes, behind them; through a black hole it does not come. */
  end(arrive: () => void): void {
    const arrival = Math.max(this.#lastArrival, this.#freeAt, this.#world.now) + this.#traits.latencyMs;
    this.#world.at(arrival, () => {
      if (!this.black) arrive();
    });
  }

  send(message: M, size: number): void {
    const { latencyMs, jitterMs = 0, bytesPerMs = Infinity, dropAbove = Infinity } = this.#traits;
    const { forgetsAfterMs = Infinity, cutAtByte = Infinity } = this.#traits;
    const { now } = this.#world;
    if (now - this.#usedAt > forgetsAfterMs) this.black = true;
    this.#usedAt = now;
    this.#sent += size;
    if (this.#sent >= cutAtByte) return this.#cut();
    if (this.black || size > dropAbove) return;
    this.#freeAt = Math.max(this.#freeAt, now) + size / bytesPerMs;
    const arrival = this.#freeAt + latencyMs + jitterMs * this.#dice.random();
    // Never at the same instant: ties are drawn, and would change the order.
    this.#lastArrival = Math.max(this.#lastArrival + ORDER_MS, arrival);
    this.#world.at(this.#lastArrival, () => {
      if (!this.black) this.#arrive(message, size);
    });
  }
}
