// The public names of the control plane. Nothing here loads zod; the schemas are in `@holdfast/control/schemas`.
export { dialControl } from "./client.ts";
export type { ControlClient, DaemonAnswer, DialControlOptions } from "./client.ts";
export { openControl } from "./host.ts";
export type { ControlHost, ControlLimits, ControlOptions } from "./host.ts";
export { encodeLine } from "./json-lines.ts";
export { endReasonJson, errorLine, failureJson, lineFields, timestamp } from "./line-fields.ts";
export { NO_OUTAGE, trackOutage } from "./outage.ts";
export type { Outage, OutageTracker, StreamFate } from "./outage.ts";
export { holdfastPaths } from "./paths.ts";
export type { HoldfastPaths } from "./paths.ts";
export { isProcessAlive } from "./process-alive.ts";
export { findProcesses, listEntries } from "./processes.ts";
export type { FindOptions, Found, Listed, SilentProcess } from "./processes.ts";
export { socketName, socketPath } from "./socket-files.ts";
export type { CarryOut, ControlPeer, DaemonRequest } from "./session.ts";
export type { EntryFields, Item, ItemOptions } from "./registry.ts";
export { showLine } from "./show-line.ts";
export type { ShowLineOptions } from "./show-line.ts";
export { watchProcesses } from "./watch.ts";
export type { Watch, WatchOptions } from "./watch.ts";
export type {
  ConnectionEntry,
  DaemonEntry,
  Entry,
  ForwardEntry,
  Kind,
  RelayEntry,
  RelayTunnelJson,
  ServerEntry,
  TunnelEntry,
} from "./schemas/entries.ts";
export type { ControlEvent, EventBody, Topic } from "./schemas/events.ts";
export type {
  ErrorLine,
  Hello,
  Message,
  Missed,
  Push,
  QuestionPush,
  Reply,
  Snapshot,
} from "./schemas/messages.ts";
export type { Audit, Check, Cut, DemoSummary, LogLine, OutputLine, Ready } from "./schemas/output.ts";
export type { CallerEnvironmentJson, ReconnectPolicyJson, Request } from "./schemas/requests.ts";
export type { EndReasonJson, FailureJson, LineFields } from "./schemas/values.ts";
// What the command uses of the files below.
export { describeSystemError, ensurePrivateFolder } from "@holdfast/trust/files";
