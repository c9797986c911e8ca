// A path on another machine as people write it: `NAME:/path`, or `:/path` and `/path` with one connection.
import { usageError } from "../usage.ts";

export interface FarPath {
  /** A connection's name or id; undefined: the only one. */
  readonly connection: string | undefined;
  readonly path: string;
}

/** A name before the first colon; a path that has a colon of its own begins with `:`, `/` or `.`. @throws HoldfastError `usage`. */
export function parseFarPath(text: string): FarPath {
  const [, name = "", path = ""] = /^([^:/.][^:/]*|):(.*)$/s.exec(text) ?? [undefined, "", text];
  if (path === "") throw usageError(`${JSON.stringify(text)} has no path: write NAME:/path, or :/path`);
  return { connection: name === "" ? undefined : name, path };
}
