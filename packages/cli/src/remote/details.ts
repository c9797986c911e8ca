// What `status` says about the entries of the daemon, beside how they stand.
import type { Entry } from "@holdfast/control";
import { formatEndpoint } from "../describe.ts";
import { formatDuration, plural } from "../terminal/format.ts";

type Row = [name: string, text: string];

/** Rows for connections, forwards and the daemon; none for anything else. */
export function detailsOf(entry: Entry): readonly Row[] {
  switch (entry.type) {
    case "connection":
      return connectionRows(entry);
    case "forward":
      return forwardRows(entry);
    case "daemon":
      return entry.log_file === null ? [] : [["log", entry.log_file]];
    default:
      return [];
  }
}

function connectionRows(entry: Extract<Entry, { type: "connection" }>): Row[] {
  const { plugin, forwards, kept, liveness_timeout_ms: timeoutMs, abilities = {} } = entry;
  const cannot = Object.entries(abilities).filter(([, able]) => able !== true);
  return [
    ["plugin", plugin],
    ["hung up", timeoutMs === null ? "never for silence" : `after ${formatDuration(timeoutMs)} of silence`],
    ["forwards", String(forwards)],
    ["kept", kept ? "yes: it comes back with the daemon" : "no: it ends with its command"],
    ...cannot.map(([name, why]): Row => ["cannot", `${name.replaceAll("_", " ")}: ${String(why)}`]),
  ];
}

function forwardRows(entry: Extract<Entry, { type: "forward" }>): Row[] {
  const { direction, listen, connection, connections, waiting, kept } = entry;
  const where = { local: "here", dynamic: "here, for SOCKS5", reverse: "on the other machine" }[direction];
  return [
    ["listens", `${listen === null ? "not yet" : `at ${formatEndpoint(listen)}`} (${where})`],
    ["by", `connection ${connection}`],
    ["carries", `${plural(connections, "connection")}, ${waiting} of them waiting for the link`],
    ["kept", kept ? "yes: it comes back with the daemon" : "no: it ends with its command"],
  ];
}
