// The simulated world, for tests of the engine and of everything that is built on it.
export { Agenda } from "./agenda.ts";
export type { Appointment } from "./agenda.ts";
export { Host, HostTimer } from "./host.ts";
export { Pipe, PipeEnd } from "./pipe.ts";
export type { Noticing, PipeEnding, PipeListener, PipeTraits } from "./pipe.ts";
export { Dice, seededRandom } from "./random.ts";
export { sessionCases, simulateSession, trySessionCases, trySessionSeeds } from "./session/index.ts";
export type {
  SessionCase,
  SessionCatch,
  SessionHuntOptions,
  SessionKnobs,
  SessionReport,
  SimulateSessionOptions,
} from "./session/index.ts";
export { VirtualClock } from "./virtual-clock.ts";
export { Violation } from "./violation.ts";
export { Wire } from "./wire.ts";
export type { WireTraits } from "./wire.ts";
export { World } from "./world.ts";
export type { RunOptions, WorldOptions } from "./world.ts";
