// What tests of networked programs need: a proxy that misbehaves on demand.
export type { Direction, Fault, FaultPlan } from "./fault.ts";
export type { ProxiedConnection, WayCount } from "./faulty-connection.ts";
export { startFaultyProxy } from "./faulty-proxy.ts";
export type { Cut, FaultyProxy, FaultyProxyOptions } from "./faulty-proxy.ts";
export { scenarios, simulate, tryScenarios, trySeeds } from "./simulation/index.ts";
export type { Catch, HuntOptions, Scenario, SimulateOptions, SimulationReport } from "./simulation/index.ts";
export { networkLabAvailable, startNetworkLab } from "./network-lab.ts";
export type { LabMachine, NetworkLab } from "./network-lab.ts";
