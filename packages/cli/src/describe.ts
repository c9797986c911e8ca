// Entries and events in words, the same in list, status, events and what a running command says.
import type { Entry, EntryFields, EventBody, LineFields } from "@holdfast/control";
import { escapeText } from "./terminal/escape.ts";
import { formatDuration, plural } from "./terminal/format.ts";

type Stateful = Pick<
  LineFields,
  "state" | "phase" | "attempt" | "delay_ms" | "failure" | "reason" | "prompt"
>;

/** `reconnecting in 4.2 s (attempt 3): connection refused` */
export function describeState(line: Stateful, remainingMs: number | null = line.delay_ms): string {
  const why = line.failure === null ? "" : `: ${escapeText(line.failure.message)}`;
  switch (line.state) {
    case "connected":
      return "connected";
    case "connecting":
    case "reconnecting":
      if (line.phase === "dialing") return `${line.state} (attempt ${line.attempt})${why}`;
      return `${line.state} in ${formatDuration(Math.max(0, remainingMs ?? 0))} (attempt ${line.attempt})${why}`;
    case "auth_required":
      return `needs an answer: ${escapeText(line.prompt ?? "")}`;
    case "disconnected":
      return `disconnected: ${describeReason(line.reason)}`;
  }
}

function describeReason(reason: LineFields["reason"]): string {
  const why = reason?.error === null || reason === null ? "" : `: ${escapeText(reason.error.message)}`;
  switch (reason?.code) {
    case undefined:
    case "closed":
      return "stopped as asked";
    case "failed":
      return `failed${why}`;
    case "replaced":
      return `another instance has taken its place${why}`;
    case "gave_up":
      return `gave up after ${plural(reason.failures, "failure")}${why}`;
    case "vetoed":
      return `gave up${why}`;
    case "not_reconnecting":
      return `not reconnecting, as told${why}`;
    case "unsupported":
      return `its plugin does not reconnect${why}`;
  }
}

/** What a user's `reconnect` or SIGHUP does: a link that is there is only asked whether it lives. */
export function describeReconnect(
  name: string,
  state: LineFields["state"],
  type: LineEntry["type"] = "tunnel",
): string {
  const up = type === "tunnel" ? "making sure that the link is alive" : "making a new link in its place";
  const what = state === "connected" ? ` is connected: ${up}` : ": dialling now";
  return `${escapeText(name)}${what}`;
}

export interface OutageFigures {
  readonly away_ms: number;
  readonly noticed_after_ms: number | null;
  readonly attempts: number;
  readonly streams_resumed?: number | null;
  readonly streams_lost?: number | null;
}

/** `back after 42.1 s (noticed after 3.0 s, 7 attempts)`, and whatever else there is to say. */
export function describeOutage(outage: OutageFigures, more: readonly string[] = []): string {
  const noticed =
    outage.noticed_after_ms === null ? [] : [`noticed after ${formatDuration(outage.noticed_after_ms)}`];
  const evidence = [...noticed, plural(outage.attempts, "attempt"), ...streamEvidence(outage), ...more];
  return `back after ${formatDuration(outage.away_ms)} (${evidence.join(", ")})`;
}

/** What was carried over the outage, and what was not. Nothing where no stream was open. */
function streamEvidence({ streams_resumed: resumed, streams_lost: lost }: OutageFigures): string[] {
  return [
    ...(resumed ? [`${plural(resumed, "stream")} resumed`, "0 bytes lost"] : []),
    ...(lost ? [`${plural(lost, "stream")} reset`] : []),
  ];
}

/** How an entry stands, in one phrase. `now` is wall-clock milliseconds. */
export function describeEntry(entry: Entry, now: number): string {
  if (entry.type === "relay") return `${entry.state}, ${plural(entry.tunnels, "tunnel")}`;
  if (entry.type === "daemon") return describeDaemon(entry);
  if (entry.type === "server") return describeServer(entry);
  if (entry.type === "forward") return describeForward(entry);
  const remaining = entry.retry_at === null ? null : Date.parse(entry.retry_at) - now;
  return `${describeState(entry, remaining)}${entry.draining ? ", draining" : ""}`;
}

/** `listening at 127.0.0.1:8080, 2 connections` */
function describeForward({ state, listen, connections, failure }: EntryFields<"forward">): string {
  const at = listen === null ? "" : ` at ${escapeText(formatEndpoint(listen))}`;
  const why = failure === null || state === "listening" ? "" : `: ${escapeText(failure.message)}`;
  return `${state}${at}, ${plural(connections, "connection")}${why}`;
}

function describeDaemon({ state, connections, forwards }: EntryFields<"daemon">): string {
  return `${state}, ${plural(connections, "connection")}, ${plural(forwards, "forward")}`;
}

/** `listening, 2 sessions (1 away), 3 processes` */
function describeServer({ state, sessions, attached, processes }: EntryFields<"server">): string {
  const away = sessions > attached ? ` (${sessions - attached} away)` : "";
  return `${state}, ${plural(sessions, "session")}${away}, ${processes === 1 ? "1 process" : `${processes} processes`}`;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatEndpoint({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** An entry that is kept connected, as opposed to one that listens. */
export type LineEntry = Extract<Entry, { type: "tunnel" | "connection" }>;

export function isLine(entry: Entry): entry is LineEntry {
  return entry.type === "tunnel" || entry.type === "connection";
}

export function describeLastHeard(entry: Entry, now: number): string {
  if (!isLine(entry)) return "-";
  return entry.last_heard === null
    ? "never"
    : `${formatDuration(Math.max(0, now - Date.parse(entry.last_heard)))} ago`;
}

/** An event in words, without the name that it is about. */
export function describeEvent(event: EventBody): string {
  switch (event.type) {
    case "tunnel_state": {
      const at =
        event.state === "connected" && event.public_endpoint !== null ? ` at ${event.public_endpoint}` : "";
      return `${describeState(event)}${escapeText(at)}`;
    }
    case "connection_state":
      return describeState(event);
    case "relay_state":
      return `${event.state} at ${escapeText(event.address)}, ${plural(event.tunnels, "tunnel")}`;
    case "forward_state":
      return describeForward(event);
    case "daemon_state":
      return describeDaemon(event);
    case "server_state":
      return describeServer(event);
    case "tunnel_outage":
    case "connection_outage":
      return describeOutage(event);
    case "tunnel_removed":
    case "relay_removed":
    case "connection_removed":
    case "forward_removed":
    case "daemon_removed":
    case "server_removed":
      return "gone";
  }
}
