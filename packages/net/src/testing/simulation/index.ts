// The simulation of the engine, for tests and for `npm run simulate`.
export { simulate } from "./simulate.ts";
export type { SimulateOptions, SimulationReport } from "./simulate.ts";
