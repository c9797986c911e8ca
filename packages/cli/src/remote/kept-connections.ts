// What a daemon that does not run would bring back: nobody should take its silence for "there is nothing".
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../command.ts";
import { plural } from "../terminal/format.ts";

/** Say that connections are kept, if there are any. Only to be asked when no daemon runs. */
export async function tellOfKept({ output, paths }: Context): Promise<void> {
  const count = await countKept(join(paths.stateFolder, "daemon", "connections.json"));
  if (count === 0) return;
  output.status(
    `${plural(count, "connection")} kept, and no daemon runs: holdfast daemon start brings ${count === 1 ? "it" : "them"} back`,
  );
}

/** A file that cannot be read is the daemon's to complain of. */
async function countKept(path: string): Promise<number> {
  try {
    const { connections } = JSON.parse(await readFile(path, "utf8")) as { connections?: unknown };
    return Array.isArray(connections) ? connections.length : 0;
  } catch {
    return 0;
  }
}
