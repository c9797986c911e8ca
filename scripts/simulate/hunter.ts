// The process in which one copy of the sources is hunted: prints what it begins, and at the end what it caught.
import { pathToFileURL } from "node:url";
import type { SessionCatch, trySessionCases, trySessionSeeds } from "@holdfast/core/testing";
import type { Catch, trySeeds, tryScenarios } from "@holdfast/net/testing";

/** What a hunter prints, a line each. */
export type HunterLine =
  | { readonly type: "begins"; readonly what: string }
  | {
      readonly type: "done";
      readonly seed: Catch | SessionCatch | undefined;
      readonly scenarios: readonly (Catch | SessionCatch)[];
    };

/** Where a directed case has seen the bug, so many worlds may see it too. */
const SEEDS_BESIDES_CASES = 20;

type Simulation =
  | { readonly trySeeds: typeof trySeeds; readonly tryScenarios: typeof tryScenarios }
  | { readonly trySessionSeeds: typeof trySessionSeeds; readonly trySessionCases: typeof trySessionCases };

const [entry = "", seeds = "0"] = process.argv.slice(2);
const simulation = (await import(pathToFileURL(entry).href)) as Simulation;

function print(line: HunterLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const onBegin = (what: string): void => print({ type: "begins", what });
const range = { firstSeed: 1, seeds: Number(seeds), onBegin };
if ("trySeeds" in simulation) {
  const scenarios = await simulation.tryScenarios(onBegin);
  print({ type: "done", scenarios, seed: await simulation.trySeeds(range) });
} else {
  const scenarios = simulation.trySessionCases(onBegin);
  const fewer = Math.min(range.seeds, scenarios.length > 0 ? SEEDS_BESIDES_CASES : Infinity);
  print({ type: "done", scenarios, seed: simulation.trySessionSeeds({ ...range, seeds: fewer }) });
}
