// The schemas by name, for whoever wants to check a line. They load zod, so the main entry has only their types.
export {
  connectionEntry,
  daemonEntry,
  endpointJson,
  entry,
  forwardEntry,
  relayEntry,
  relayTunnel,
  serverEntry,
  tunnelEntry,
} from "./entries.ts";
export { event, eventBody, topic } from "./events.ts";
export {
  SCHEMA,
  answered,
  attached,
  authenticateInitiated,
  connectInitiated,
  disconnectInitiated,
  error,
  forwarded,
  hello,
  list,
  message,
  missed,
  push,
  question,
  reconnectInitiated,
  reply,
  snapshot,
  status,
  subscribed,
  unsubscribed,
} from "./messages.ts";
export { audit, check, cut, daemonStopped, demoSummary, logLine, outputLine, ready } from "./output.ts";
export { callerEnvironment, reconnectPolicy, request } from "./requests.ts";
export { endReason, failure, lineFields, lineState } from "./values.ts";
