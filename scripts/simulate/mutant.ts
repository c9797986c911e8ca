// A bug to plant: the engine's own source with a piece replaced. The simulation is worth what it catches of these.

export interface Edit {
  /** From `packages/`. */
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Edit {
  readonly id: string;
  readonly name: string;
  /** Where the engine has a second line of defence, the bug must get past that too. */
  readonly also?: readonly Edit[];
}

/** Which simulation has to see it, and how many worlds it may need. */
export interface MutantList {
  readonly kind: "engine" | "session";
  /** From `packages/`: the simulation within the copy. */
  readonly entry: string;
  readonly seeds: number;
  readonly mutants: readonly Mutant[];
}
