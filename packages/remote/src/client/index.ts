// What a program needs that uses a daemon's machines: none of the plugins, which take long to load, is loaded by it.
export { openDaemonClient } from "./daemon-client.ts";
export type { DaemonClient, DaemonClientOptions } from "./daemon-client.ts";
export { findDaemon } from "./find-daemon.ts";
export type { StartedDaemon } from "./find-daemon.ts";
export type { DaemonListener } from "./listeners.ts";
export { openRemoteMachine } from "./open-machine.ts";
export type { RemoteMachine, RemoteMachineOptions } from "./open-machine.ts";
