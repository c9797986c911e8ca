// The simulation of sessions: worlds from seeds and directed cases, with every byte checked.
export { sessionCases } from "./cases.ts";
export { trySessionCases, trySessionSeeds } from "./hunt.ts";
export type { SessionCatch, SessionHuntOptions } from "./hunt.ts";
export type { SessionKnobs } from "./knobs.ts";
export type { SessionCase } from "./link-cases.ts";
export { simulateSession } from "./simulate-session.ts";
export type { SessionReport, SimulateSessionOptions } from "./simulate-session.ts";
