// The schemas by name, for whoever wants to check a line. They load zod, so the main entry has only their types.
export { connectionEntry, entry, relayEntry, relayTunnel, tunnelEntry } from "./entries.ts";
export { event, eventBody, topic } from "./events.ts";
export {
  SCHEMA,
  disconnectInitiated,
  error,
  hello,
  list,
  message,
  missed,
  push,
  reconnectInitiated,
  reply,
  snapshot,
  status,
  subscribed,
  unsubscribed,
} from "./messages.ts";
export { check, cut, demoSummary, outputLine, ready } from "./output.ts";
export { request } from "./requests.ts";
export { endReason, failure, lineFields, lineState } from "./values.ts";
