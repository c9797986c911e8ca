// The simulation of the engine, for tests and for `npm run simulate`.
export { tryScenarios, trySeeds } from "./hunt.ts";
export type { Catch, HuntOptions } from "./hunt.ts";
export { scenarios } from "./scenarios.ts";
export type { Scenario } from "./scenarios.ts";
export { simulate } from "./simulate.ts";
export type { SimulateOptions, SimulationReport } from "./simulate.ts";
