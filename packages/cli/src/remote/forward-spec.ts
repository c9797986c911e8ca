// What is forwarded where, as ssh writes it: `[LISTEN:]PORT:HOST:PORT`, and `[LISTEN:]PORT` of a SOCKS5 server.
import type { Request } from "@holdfast/control";
import { usageError } from "../usage.ts";

export type ForwardDirection = Extract<Request, { type: "forward" }>["direction"];

export interface ForwardSpec {
  readonly direction: ForwardDirection;
  readonly listen: { readonly host: string; readonly port: number };
  /** None of a SOCKS5 server: each of its clients names its own. */
  readonly target: { readonly host: string; readonly port: number } | undefined;
}

/** Nobody else reaches it, unless somebody says so. */
const LOOPBACK = "127.0.0.1";
const EVERYWHERE = "0.0.0.0";

/** @throws HoldfastError `usage` that says which part is wrong. */
export function parseForwardSpec(text: string, direction: ForwardDirection): ForwardSpec {
  const parts = partsOf(text);
  if (parts === undefined) throw wrong(text, direction, "an IPv6 address belongs into brackets: [::1]");
  const target = direction === "dynamic" ? [] : parts.slice(-2);
  const [port, host, ...rest] = parts.slice(0, parts.length - target.length).toReversed();
  if (port === undefined || rest.length > 0 || (direction !== "dynamic" && target.length < 2)) {
    throw wrong(text, direction, direction === "dynamic" ? "it has too many parts" : partsHint(parts));
  }
  const listen = { host: listenHost(host), port: portOf(port, text, direction, "listen on") };
  if (direction === "dynamic") return { direction, listen, target: undefined };
  const [targetHost = "", targetPort = ""] = target;
  if (targetHost === "") throw wrong(text, direction, "it does not say which host it leads to");
  const to = { host: targetHost, port: portOf(targetPort, text, direction, "lead to") };
  if (to.port === 0) throw wrong(text, direction, "no connection leads to port 0");
  return { direction, listen, target: to };
}

/** Whether this is meant as one, as opposed to the name of a connection. */
export function looksLikeSpec(text: string, direction: ForwardDirection): boolean {
  return direction === "dynamic" ? /^(.*:)?\d+$/.test(text) : /:\d+$/.test(text) && !text.includes("://");
}

/** Cut at colons, except within brackets; undefined if a bracket is not closed or closes in the middle. */
function partsOf(text: string): string[] | undefined {
  const parts = text.match(/\[[^\]]*\]|[^:[\]]+|(?<=^|:)(?=:|$)/g) ?? [];
  if (parts.join(":") !== text) return undefined;
  return parts.map((part) => part.replace(/^\[(.*)\]$/, "$1"));
}

function partsHint(parts: readonly string[]): string {
  return parts.length > 4 ? "an IPv6 address belongs into brackets: [::1]" : "it has too few parts";
}

function listenHost(host: string | undefined): string {
  if (host === undefined) return LOOPBACK;
  return host === "" || host === "*" ? EVERYWHERE : host;
}

function portOf(part: string, text: string, direction: ForwardDirection, to: string): number {
  const port = /^\d{1,5}$/.test(part) ? Number(part) : Infinity;
  if (port <= 65_535) return port;
  throw wrong(text, direction, `${JSON.stringify(part)} is no port to ${to}`);
}

function wrong(text: string, direction: ForwardDirection, why: string): Error {
  const shape = direction === "dynamic" ? "[LISTEN:]PORT" : "[LISTEN:]PORT:HOST:PORT";
  const example = direction === "dynamic" ? "1080" : "8080:localhost:80";
  return usageError(`${JSON.stringify(text)}: ${why}`, `expected ${shape}, such as ${example}`);
}
