// The names of this folder for the rest of the package.
export { sessionMachine } from "./client/session-machine.ts";
export type { SessionMachine, SessionMachineOptions } from "./client/session-machine.ts";
export { launchPlugin } from "./launch/launch-plugin.ts";
export type { LaunchPluginOptions } from "./launch/launch-plugin.ts";
export { DEFAULT_SERVE_LIMITS, DEFAULT_SESSION_MACHINE_LIMITS } from "./limits.ts";
export type { ServeLimits, SessionMachineLimits } from "./limits.ts";
export { holdfastPlugin, SERVE_PORT } from "./plugin/holdfast-plugin.ts";
export type { HoldfastPluginOptions, ServerAccess } from "./plugin/holdfast-plugin.ts";
export type { HoldfastMachine } from "./plugin/dial-machine.ts";
export { DEFAULT_MACHINE_SERVER_LIMITS } from "./server/options.ts";
export type {
  MachineServer,
  MachineServerEvent,
  MachineServerLimits,
  MachineServerOptions,
  MachineServerStatus,
  ServedClient,
} from "./server/options.ts";
export { startMachineServer } from "./server/start-server.ts";
export type { MachineService, MachineSource, ServeEvent, ServeMachineOptions } from "./serve/options.ts";
export { serveMachine } from "./serve/serve-machine.ts";
