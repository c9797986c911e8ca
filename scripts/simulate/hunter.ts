// The process in which one copy of the engine is hunted: prints what it begins, and at the end what it caught.
import { pathToFileURL } from "node:url";
import type { Catch, trySeeds, tryScenarios } from "@holdfast/net/testing";

/** What a hunter prints, a line each. */
export type HunterLine =
  | { readonly type: "begins"; readonly what: string }
  | { readonly type: "done"; readonly seed: Catch | undefined; readonly scenarios: readonly Catch[] };

interface Simulation {
  readonly trySeeds: typeof trySeeds;
  readonly tryScenarios: typeof tryScenarios;
}

const [entry = "", seeds = "0", hours = "2"] = process.argv.slice(2);
const { trySeeds: hunt, tryScenarios: direct } = (await import(pathToFileURL(entry).href)) as Simulation;

function print(line: HunterLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const onBegin = (what: string): void => print({ type: "begins", what });
const scenarios = await direct(onBegin);
const seed = await hunt({ firstSeed: 1, seeds: Number(seeds), hours: Number(hours), onBegin });
print({ type: "done", seed, scenarios });
