// A promise that was not kept, with all that is needed to see it again.

export class Violation extends Error {
  override readonly name = "Violation";
  /** Which promise: `I1` to `I11`, or the name of another check. */
  readonly invariant: string;
  readonly seed: number;
  /** Virtual milliseconds since the world began. */
  readonly at: number;

  constructor(invariant: string, message: string, seed: number, at: number) {
    super(`${invariant}: ${message} (seed ${seed}, ${(at / 1_000).toFixed(3)} s)`);
    this.invariant = invariant;
    this.seed = seed;
    this.at = at;
  }
}
