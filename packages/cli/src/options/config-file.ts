// The configuration file: TOML, written by a person, read once.
import { readFile, stat } from "node:fs/promises";
import { describeSystemError } from "@holdfast/control";
import { usageError } from "../usage.ts";
import type { ConfigFile } from "./resolve.ts";

/**
 * Read the file, if there is one. `mustExist` is for a path that somebody named.
 * @throws HoldfastError `usage` if it cannot be read or is not TOML, if others could have written it, or if it
 * holds a secret that others can read.
 */
export async function readConfigFile(path: string, mustExist: boolean): Promise<ConfigFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT" && !mustExist) return undefined;
    throw usageError(`cannot read ${path}: ${describeSystemError(thrown)}`);
  }
  // Loaded here, because most people have no such file.
  const { parse } = await import("smol-toml");
  let values: Record<string, unknown>;
  try {
    values = parse(text);
  } catch (thrown) {
    const first = thrown instanceof Error ? thrown.message.split("\n")[0] : String(thrown);
    throw usageError(`${path} is not TOML: ${first}`);
  }
  await checkMode(path, values);
  return { path, values };
}

async function checkMode(path: string, values: Readonly<Record<string, unknown>>): Promise<void> {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const stats = await stat(path);
  if (stats.uid !== uid && stats.uid !== 0) {
    throw usageError(`${path} belongs to user ${stats.uid}, so it is not used`);
  }
  if ((stats.mode & 0o022) !== 0) throw usageError(`others can write to ${path}`, `run: chmod 600 ${path}`);
  if ((stats.mode & 0o044) !== 0 && holdsSecret(values)) {
    throw usageError(`${path} holds a secret and others can read it`, `run: chmod 600 ${path}`);
  }
}

function holdsSecret(values: object): boolean {
  return Object.entries(values).some(
    ([key, value]) => key === "secret" || (typeof value === "object" && value !== null && holdsSecret(value)),
  );
}
