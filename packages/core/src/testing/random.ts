// Seeded randomness: the same seed gives the same numbers, on every machine and for ever.
import type { Random } from "../ports.ts";

/** Uniform in [0, 1), decided by `seed` alone (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Draws of the shapes that a simulation needs, all from one random source. */
export class Dice {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  static seeded(seed: number): Dice {
    return new Dice(seededRandom(seed));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  /** Of every order of magnitude between `low` and `high` alike. */
  magnitude(low: number, high: number): number {
    return low * (high / low) ** this.random();
  }

  /** The time to the next of events that come `meanMs` apart on average. */
  gap(meanMs: number): number {
    return -Math.log(1 - this.random()) * meanMs;
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[Math.min(from.length - 1, Math.floor(this.random() * from.length))] as T;
  }

  /** A source of its own, so that a draw more here changes nothing there. */
  fork(): Dice {
    return Dice.seeded(Math.floor(this.random() * 4_294_967_296));
  }
}
