// All bugs that are planted, by the simulation that has to see them.
import { moreMutants } from "./more-mutants.ts";
import { moreSessionMutants } from "./more-session-mutants.ts";
import type { MutantList } from "./mutant.ts";
import { mutants } from "./mutants.ts";
import { sessionMutants } from "./session-mutants.ts";

export const mutantLists: readonly MutantList[] = [
  {
    kind: "engine",
    entry: "net/src/testing/simulation/index.ts",
    seeds: 40,
    mutants: [...mutants, ...moreMutants],
  },
  {
    kind: "session",
    entry: "core/src/testing/session/index.ts",
    seeds: 200,
    mutants: [...sessionMutants, ...moreSessionMutants],
  },
];
