// Where a connection leads: `scheme://user@host:port/path`. Refused before anything is started: what begins with `-`,
// and user or host names with white space, shell or control characters, because both end up on command lines.
import { HoldfastError } from "@holdfast/core";

export interface Destination {
  readonly scheme: string;
  readonly user: string | undefined;
  /** Without brackets, for an IPv6 address. */
  readonly host: string;
  readonly port: number | undefined;
  /** What follows, without the first `/`; empty if nothing does. */
  readonly path: string;
}

const SCHEME = /^[a-z][a-z0-9+.-]*$/;
const USER = /^[A-Za-z0-9_.@\\+%~][A-Za-z0-9_.@\\+%~-]*$/;
const HOST = /^(?:[A-Za-z0-9_][A-Za-z0-9_.:/@%-]*)$/;
const IPV6 = /^[0-9a-fA-F:.]+(?:%[A-Za-z0-9_.-]+)?$/;
const MOST_LENGTH = 1_024;

/** @throws HoldfastError `bad_destination`: fatal, with the part that is wrong. */
export function parseDestination(text: string): Destination {
  if (text.length > MOST_LENGTH) throw bad("it is longer than 1,024 characters");
  const [, scheme, rest] = /^([^:]*):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) throw bad("expected scheme://host");
  if (!SCHEME.test(scheme)) throw bad("its scheme is not a name in lower case");
  const slash = rest.indexOf("/");
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? "" : rest.slice(slash + 1);
  const at = authority.lastIndexOf("@");
  const user = at === -1 ? undefined : authority.slice(0, at);
  if (user !== undefined && !USER.test(user)) throw bad("its user name has characters that no name has");
  return { scheme, user, ...hostAndPort(authority.slice(at + 1)), path: checkedPath(path) };
}

/** As it is written; `parseDestination` gives the same again. */
export function formatDestination({ scheme, user, host, port, path }: Destination): string {
  const name = host.includes(":") && IPV6.test(host) ? `[${host}]` : host;
  const front = user === undefined ? "" : `${user}@`;
  return `${scheme}://${front}${name}${port === undefined ? "" : `:${port}`}${path === "" ? "" : `/${path}`}`;
}

function hostAndPort(text: string): Pick<Destination, "host" | "port"> {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(text);
  if (bracketed !== null) {
    if (!IPV6.test(bracketed[1] ?? "")) throw bad("what is in brackets is not an IPv6 address");
    return { host: bracketed[1] ?? "", port: portOf(bracketed[2]) };
  }
  if (text.split(":").length > 2) throw bad("an IPv6 address belongs into brackets: [::1]");
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/s.exec(text) ?? [];
  if (host === "") throw bad("it has no host");
  if (host.startsWith("-")) throw bad("its host begins with -");
  if (!HOST.test(host)) throw bad("its host has characters that no name has");
  return { host, port: portOf(port) };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (port < 1 || port > 65_535) throw bad("its port is not one of 1 to 65535");
  return port;
}

function checkedPath(path: string): string {
  for (const character of path) {
    if (character < " " || character === "\u007f") throw bad("it has control characters");
  }
  return path;
}

function bad(why: string): HoldfastError {
  const message = `this is no destination: ${why}`;
  const hint = "a destination is such as ssh://me@server, docker://container, holdfast://server";
  return new HoldfastError({ code: "bad_destination", message, hint, kind: "fatal", fault: "local" });
}
