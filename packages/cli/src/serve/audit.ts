// What clients do at a server, as lines: one for each connection and each process, whoever asked for it.
import { timestamp, type Audit } from "@holdfast/control";
import type { MachineServerEvent } from "@holdfast/remote";
import { formatEndpoint } from "../describe.ts";
import { escapeText } from "../terminal/escape.ts";

export type Audited = Exclude<MachineServerEvent, { readonly type: "warning" }>;

const NOTHING = { reason: null, process: null, command: null, endpoint: null } as const;

/** As an object. `now` is wall-clock milliseconds. */
export function auditLine(event: Audited, now: number): Audit {
  return {
    type: "audit",
    time: timestamp(now),
    what: event.type,
    session: "session" in event ? event.session : null,
    remote_address: event.remoteAddress,
    owner_id: event.ownerId ?? null,
    ...NOTHING,
    ...detailsOf(event),
  };
}

function detailsOf(event: Audited): Partial<Audit> {
  switch (event.type) {
    case "refused":
      return { reason: event.reason };
    case "process_started":
      return {
        process: event.process,
        command: typeof event.command === "object" ? [...event.command] : (event.command ?? null),
      };
    case "process_ended":
      return { process: event.process };
    case "connection_opened":
    case "listening":
      return { endpoint: { host: event.host, port: event.port } };
    default:
      return {};
  }
}

/** `2026-11-22T18:00:00.000Z session 3 (192.0.2.1): process 12: ["ls", "-l"]` */
export function describeAudit(event: Audited, now: number): string {
  const who = "session" in event ? `session ${event.session} (${event.remoteAddress})` : event.remoteAddress;
  const key = event.ownerId === undefined ? "" : `, key ${event.ownerId}`;
  return escapeText(`${timestamp(now)} ${who}: ${describeWhat(event, key)}`);
}

function describeWhat(event: Audited, key: string): string {
  switch (event.type) {
    case "session_began":
      return `began${key}`;
    case "session_away":
      return "is away, and what runs in it goes on";
    case "session_back":
      return "is back";
    case "session_ended":
      return "ended";
    case "refused":
      return `refused (${event.reason}${key})`;
    case "process_started":
      return `process ${event.process}: ${event.command === undefined ? "a login shell" : JSON.stringify(event.command)}`;
    case "process_ended":
      return `process ${event.process} ended`;
    case "connection_opened":
      return `connected to ${formatEndpoint(event)}`;
    case "listening":
      return `listens at ${formatEndpoint(event)}`;
  }
}
