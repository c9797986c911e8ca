// The values that flags take. Each parser throws a RangeError that says what it expected; whoever calls it knows
// where the text came from and adds that.
import type { Endpoint } from "@holdfast/net/node";
import { MAX_TIMER_MS } from "@holdfast/core";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `8s`, `2m`, `1.5h`, as milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new RangeError("a duration with its unit, such as 500ms, 8s or 2m");
  const ms = Number(match[1]) * UNITS[match[2]!]!;
  if (ms > MAX_TIMER_MS) throw new RangeError("a duration of at most 596h");
  return ms;
}

/** A duration above zero. */
export function parsePositiveDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms <= 0) throw new RangeError("a duration above zero");
  return ms;
}

/** The longest wait between dials: below a second, clients would beat on a relay that is down. */
export function parseReconnectDelay(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1_000) throw new RangeError("a duration of at least 1s");
  return ms;
}

/** How long a port is kept for a client that is away: at most a day. */
export function parseLease(text: string): number {
  const ms = parsePositiveDuration(text);
  if (ms > 24 * 3_600_000) throw new RangeError("a duration of at most 24h");
  return ms;
}

export function parseCount(text: string): number {
  const value = wholeNumber(text);
  if (value === undefined) throw new RangeError("a whole number of at least 0");
  return value;
}

export function parsePositiveCount(text: string): number {
  const value = wholeNumber(text);
  if (value === undefined || value < 1) throw new RangeError("a whole number of at least 1");
  return value;
}

/** 1 to 65535. */
function parsePort(text: string): number {
  const port = wholeNumber(text);
  if (port === undefined || port < 1 || port > 65_535) throw new RangeError("a port from 1 to 65535");
  return port;
}

/** 0 (any free one) to 65535. */
export function parsePortOrAny(text: string): number {
  const port = wholeNumber(text);
  if (port === undefined || port > 65_535)
    throw new RangeError("a port from 1 to 65535, or 0 for any free one");
  return port;
}

/** `8000,0,8002`: a port for each target; 0 is any. */
export function parsePortList(text: string): readonly number[] {
  return text.split(",").map((part) => parsePortOrAny(part.trim()));
}

/** `1024-65535`, or one port. */
export function parsePortRange(text: string): readonly [number, number] {
  const [least, greatest, ...rest] = text.split("-").map((part) => parsePort(part.trim()));
  const range = [least!, greatest ?? least!] as const;
  if (rest.length > 0 || range[0] > range[1]) throw new RangeError("a range of ports such as 1024-65535");
  return range;
}

/** What visitors are to reach: `3000`, `host:port`, `[::1]:3000` or `unix:/path`. */
export function parseTarget(text: string): Endpoint {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (path === "") throw new RangeError("a path after unix:");
    return { path };
  }
  if (/^\d+$/.test(text)) return { host: "localhost", port: parsePort(text) };
  const match = /^(?:\[([^\]]+)\]|([^:/@\s]+)):(\d+)$/.exec(text);
  if (match === null) throw new RangeError("a port, host:port or unix:/path");
  return { host: match[1] ?? match[2]!, port: parsePort(match[3]!) };
}

/** How a relay is spoken to: a session over TCP (TLS unless it is this machine), over a WebSocket, or bore. */
export type RelayScheme = "holdfast" | "wss" | "ws" | "bore";

export interface RelayUrl {
  readonly scheme: RelayScheme;
  readonly host: string;
  readonly port: number;
  /** For WebSockets; `/` by default. */
  readonly path: string;
  /** As it is shown: `holdfast://host:port`. */
  readonly href: string;
}

const DEFAULT_PORTS: Readonly<Record<RelayScheme, number>> = { holdfast: 7836, wss: 443, ws: 80, bore: 7835 };

/** `holdfast://host[:port]`, `wss://host[:port][/path]`, `ws://…`, `bore://host[:port]`. */
export function parseRelayUrl(text: string): RelayUrl {
  const match =
    /^([a-z][a-z0-9+.-]*):\/\/(?:\[([0-9a-f:.]+)\]|([^:/?#@[\]\s]+))(?::(\d+))?(\/[^?#\s]*)?$/i.exec(text);
  if (match === null) throw new RangeError("a URL such as holdfast://relay.example.com");
  const scheme = match[1]!.toLowerCase();
  if (!isScheme(scheme)) throw new RangeError("a URL that begins with holdfast://, wss://, ws:// or bore://");
  const path = match[5] ?? "/";
  if (path !== "/" && scheme !== "wss" && scheme !== "ws")
    throw new RangeError(`a URL without a path, as ${scheme}:// has none`);
  const port = match[4] === undefined ? DEFAULT_PORTS[scheme] : parsePort(match[4]);
  return relayUrl(scheme, match[2] ?? match[3]!, port, path);
}

/** The URL of a relay that listens there. */
export function relayUrl(scheme: RelayScheme, host: string, port: number, path = "/"): RelayUrl {
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return { scheme, host, port, path, href: `${scheme}://${shownHost}:${port}${path === "/" ? "" : path}` };
}

function isScheme(text: string): text is RelayScheme {
  return Object.hasOwn(DEFAULT_PORTS, text);
}

/** `a,b,c` */
export function parseList(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.includes("")) throw new RangeError("a list such as a,b without empty parts");
  return parts;
}

export function parseText(text: string): string {
  if (text === "") throw new RangeError("something that is not empty");
  return text;
}

const STATES = ["connecting", "connected", "reconnecting", "auth_required", "disconnected"] as const;
export type WantedState = (typeof STATES)[number];

export function parseState(text: string): WantedState {
  const state = STATES.find((one) => one === text);
  if (state === undefined) throw new RangeError(`one of ${STATES.join(", ")}`);
  return state;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
