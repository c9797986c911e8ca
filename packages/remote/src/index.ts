// The public names of the remote package.
export { openDaemonClient } from "./client/daemon-client.ts";
export type { DaemonClient, DaemonClientOptions } from "./client/daemon-client.ts";
export { findDaemon } from "./client/find-daemon.ts";
export type { StartedDaemon } from "./client/find-daemon.ts";
export type { DaemonListener } from "./client/listeners.ts";
export { openRemoteMachine } from "./client/open-machine.ts";
export type { RemoteMachine, RemoteMachineOptions } from "./client/open-machine.ts";
export type {
  ConnectedMachine,
  Connection,
  ConnectionEnd,
  ConnectionStatus,
  MachineWait,
} from "./connection/connection.ts";
export { livenessTimeoutMs } from "./connection/health.ts";
export type { ConnectionLimits } from "./connection/kept-connection.ts";
export { openConnection } from "./connection/open-connection.ts";
export type { OpenConnectionOptions } from "./connection/open-connection.ts";
export { pluginRegistry } from "./connection/registry.ts";
export type { PluginRegistry } from "./connection/registry.ts";
export { DAEMON_LIMITS } from "./daemon/daemon.ts";
export type { Daemon, DaemonLimits, DaemonLog, DaemonOptions } from "./daemon/daemon.ts";
export { openDaemon } from "./daemon/open-daemon.ts";
export type { Forward, ForwardLimits, ForwardSettings, ForwardStatus } from "./forward/forward.ts";
export { openLocalForward, openSocksForward } from "./forward/local-forward.ts";
export type { LocalForwardOptions, SocksForwardOptions } from "./forward/local-forward.ts";
export { openReverseForward } from "./forward/reverse-forward.ts";
export type { ReverseForwardOptions } from "./forward/reverse-forward.ts";
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
export { hostPlugin } from "./host/host-plugin.ts";
export type { HostPluginOptions } from "./host/host-plugin.ts";
export { HOST_LIMITS } from "./host/host-limits.ts";
export type { HostLimits } from "./host/host-limits.ts";
export { sshPlugin } from "./ssh/ssh-plugin.ts";
export { docker } from "./docker/docker-plugin.ts";
export type { DockerPluginSettings } from "./docker/docker-plugin.ts";
export {
  DEFAULT_MACHINE_SERVER_LIMITS,
  DEFAULT_SERVE_LIMITS,
  DEFAULT_SESSION_MACHINE_LIMITS,
  holdfastPlugin,
  launchPlugin,
  SERVE_PORT,
  serveMachine,
  sessionMachine,
  startMachineServer,
} from "./native/index.ts";
export type {
  HoldfastMachine,
  HoldfastPluginOptions,
  LaunchPluginOptions,
  MachineServer,
  MachineServerEvent,
  MachineServerLimits,
  MachineServerOptions,
  MachineServerStatus,
  MachineService,
  MachineSource,
  ServeEvent,
  ServeLimits,
  ServedClient,
  ServeMachineOptions,
  ServerAccess,
  SessionMachine,
  SessionMachineLimits,
  SessionMachineOptions,
} from "./native/index.ts";
export { Authentication, openApi } from "./api/index.ts";
export type {
  Abilities,
  Api,
  ApiLimits,
  ApiOptions,
  AuthenticationMessage,
  AuthenticationOptions,
  MachineOf,
} from "./api/index.ts";
