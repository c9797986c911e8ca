// The simulation of sessions: worlds from seeds, with every byte checked.
export { drawKnobs } from "./knobs.ts";
export type { AppKnobs, SessionKnobs } from "./knobs.ts";
export { simulateSession } from "./simulate-session.ts";
export type { SessionReport, SimulateSessionOptions } from "./simulate-session.ts";
