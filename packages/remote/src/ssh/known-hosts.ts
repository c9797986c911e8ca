// The format of known_hosts files, as OpenSSH writes and reads it: which lines speak of a host, and what they say of
// a key. Pure; see known-hosts-file.ts for the files.
import { createHmac } from "node:crypto";

export interface KnownHostLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly marker: "@revoked" | "@cert-authority" | undefined;
  /** Patterns, or one hashed name. */
  readonly names: string;
  readonly keyType: string;
  /** As in the file: base64. */
  readonly key: string;
}

export interface KnownHosts {
  readonly lines: readonly KnownHostLine[];
  /** Lines that cannot be read, each as a sentence with file and number. */
  readonly problems: readonly string[];
}

/** What the files say of a host's key. */
export type HostVerdict =
  | { readonly kind: "known" }
  | { readonly kind: "unknown" }
  | { readonly kind: "changed"; readonly recorded: KnownHostLine }
  | { readonly kind: "revoked"; readonly recorded: KnownHostLine };

/** A file that is longer is cut, and said to be. */
const MOST_LINES = 50_000;
const KEY = /^[A-Za-z0-9+/]{16,}={0,2}$/;
const HASHED = /^\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)$/;

/** The name under which a host is recorded: `[host]:port` for every port but 22. */
export function knownName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

export function parseKnownHosts(text: string, file: string): KnownHosts {
  const lines: KnownHostLine[] = [];
  const problems: string[] = [];
  const rows = text.split("\n");
  if (rows.length > MOST_LINES) problems.push(`${file}: only its first ${MOST_LINES} lines are read`);
  for (const [index, row] of rows.slice(0, MOST_LINES).entries()) {
    const content = row.trim();
    if (content === "" || content.startsWith("#")) continue;
    const line = parseLine(content, file, index + 1);
    if (line === undefined) problems.push(`${file}:${index + 1}: this line is not understood, and skipped`);
    else lines.push(line);
  }
  return { lines, problems };
}

function parseLine(content: string, file: string, line: number): KnownHostLine | undefined {
  const words = content.split(/\s+/);
  const marker = words[0]?.startsWith("@") === true ? words.shift() : undefined;
  if (marker !== undefined && marker !== "@revoked" && marker !== "@cert-authority") return undefined;
  const [names, keyType, key] = words;
  if (names === undefined || keyType === undefined || key === undefined || !KEY.test(key)) return undefined;
  if (names.startsWith("|") && !HASHED.test(names)) return undefined;
  return keyTypeOf(key) === keyType ? { file, line, marker, names, keyType, key } : undefined;
}

/** The type that the key itself says it has; `undefined` if it is no key. */
export function keyTypeOf(key: string | Uint8Array): string | undefined {
  const bytes = typeof key === "string" ? Buffer.from(key, "base64") : Buffer.from(key);
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE(0);
  return length <= 64 && bytes.length > 4 + length ? bytes.toString("latin1", 4, 4 + length) : undefined;
}

/** The lines that speak of a host. */
export function linesFor(name: string, known: KnownHosts): readonly KnownHostLine[] {
  return known.lines.filter(({ names }) => speaksOf(names, name));
}

/** A revoked key is refused even where another line accepts it. */
export function judgeKey(name: string, key: Uint8Array, known: KnownHosts): HostVerdict {
  // By their bytes: base64 can be written in several ways.
  const isIt = (line: KnownHostLine): boolean => Buffer.from(line.key, "base64").equals(key);
  const speaking = linesFor(name, known).filter(({ marker }) => marker !== "@cert-authority");
  const revoked = speaking.find((line) => line.marker === "@revoked" && isIt(line));
  if (revoked !== undefined) return { kind: "revoked", recorded: revoked };
  const plain = speaking.filter(({ marker }) => marker === undefined);
  if (plain.some(isIt)) return { kind: "known" };
  const recorded = plain[0];
  return recorded === undefined ? { kind: "unknown" } : { kind: "changed", recorded };
}

/** A whole line for a host, without its end. With a salt the name is hashed. */
export function knownHostLine(name: string, key: Uint8Array, salt?: Uint8Array): string {
  const shown = salt === undefined ? name : `|1|${Buffer.from(salt).toString("base64")}|${hash(name, salt)}`;
  return `${shown} ${keyTypeOf(key) ?? "unknown"} ${Buffer.from(key).toString("base64")}`;
}

function speaksOf(names: string, name: string): boolean {
  const hashed = HASHED.exec(names);
  if (hashed !== null) return hash(name, Buffer.from(hashed[1] ?? "", "base64")) === hashed[2];
  return matchesPatterns(name, names.split(","));
}

function hash(name: string, salt: Uint8Array): string {
  return createHmac("sha1", salt).update(name).digest("base64");
}

/** OpenSSH's pattern lists: `*`, `?`, and `!` for names that are left out whatever else matches. */
export function matchesPatterns(name: string, patterns: readonly string[]): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith("!");
    if (!matchesPattern(name.toLowerCase(), (negated ? pattern.slice(1) : pattern).toLowerCase())) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** In time that grows with the product of the lengths, whatever the pattern. */
function matchesPattern(name: string, pattern: string): boolean {
  let [at, position, star, restart] = [0, 0, -1, 0];
  while (at < name.length) {
    const wanted = pattern[position];
    if (wanted === "*") {
      star = position++;
      restart = at;
    } else if (wanted === "?" || wanted === name[at]) {
      at++;
      position++;
    } else if (star >= 0) {
      position = star + 1;
      at = ++restart;
    } else return false;
  }
  while (pattern[position] === "*") position++;
  return position === pattern.length;
}
