// The public names of the remote package.
export { formatDestination, parseDestination } from "./plugin/destination.ts";
export type { Destination } from "./plugin/destination.ts";
export type { Files, FileStat, FileType, ListedFile } from "./plugin/files.ts";
export { authRequired, UNATTENDED } from "./plugin/interaction.ts";
export type { Interaction, Question } from "./plugin/interaction.ts";
export type { Machine, SystemInfo } from "./plugin/machine.ts";
export type { Connecting, Listening, RemoteListener } from "./plugin/network.ts";
export type {
  Ability,
  Backend,
  CallerEnvironment,
  HealthCheck,
  Plugin,
  PluginContext,
} from "./plugin/plugin.ts";
export type { Process, ProcessEnd, ProcessRequest, Terminal, TerminalSize } from "./plugin/process.ts";
