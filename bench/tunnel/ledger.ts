// What was measured, by figure and way, one number for each round; rounds pair the ways.
import { lowerBound, median } from "../statistics.ts";
import type { WayName } from "./ways.ts";

export interface Ratio {
  readonly median: number;
  /** Lower 90 % bound of the median; absent with fewer than four rounds. */
  readonly bound: number | undefined;
}

export class Ledger {
  /** One for each figure and way, with one number for each round. */
  readonly #rounds = new Map<string, number[]>();

  add(figure: string, way: WayName, value: number): void {
    const key = `${figure} ${way}`;
    const rounds = this.#rounds.get(key);
    if (rounds === undefined) this.#rounds.set(key, [value]);
    else rounds.push(value);
  }

  /** The median over the rounds, or nothing if it was not measured. */
  figure(figure: string, way: WayName): number | undefined {
    const rounds = this.#rounds.get(`${figure} ${way}`);
    return rounds === undefined ? undefined : median(rounds);
  }

  /** One way against another, round by round. */
  ratio(figure: string, way: WayName, against: WayName): Ratio | undefined {
    return this.#pairs(figure, [way, against], (over, under) => over / under);
  }

  /** How much less one way takes than another, round by round. */
  saving(figure: string, way: WayName, against: WayName): Ratio | undefined {
    return this.#pairs(figure, [way, against], (less, more) => more - less);
  }

  #pairs(
    figure: string,
    [way, against]: readonly [WayName, WayName],
    compare: (value: number, other: number) => number,
  ): Ratio | undefined {
    const over = this.#rounds.get(`${figure} ${way}`);
    const under = this.#rounds.get(`${figure} ${against}`);
    if (over === undefined || under === undefined) return undefined;
    const pairs = over.map((value, round) => compare(value, under[round] ?? Number.NaN));
    return { median: median(pairs), bound: lowerBound(pairs) };
  }
}
