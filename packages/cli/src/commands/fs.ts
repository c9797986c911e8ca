// `holdfast fs`: look at and change files of a machine.
import type { DaemonClient } from "@holdfast/remote";
import { defineCommand, type Context } from "../command.ts";
import type { ExitCode } from "../exit-codes.ts";
import { FILE_ACTIONS, type FileWork } from "../machine/file-actions.ts";
import { parseFarPath, type FarPath } from "../machine/far-path.ts";
import { openFiles } from "../machine/files-use.ts";
import { waitOption } from "../machine/options.ts";
import { outputOptions } from "../options/flags.ts";
import { flag, type Values } from "../options/option.ts";
import { chooseConnection } from "../remote/choose-connection.ts";
import { openDaemonOf } from "../remote/open-daemon.ts";
import { didYouMean, usageError } from "../usage.ts";

const options = {
  recursive: flag({ name: "recursive", short: "r", description: "rm: a directory with all that is in it" }),
  parents: flag({
    name: "parents",
    short: "p",
    description: "mkdir: with those above it; one that is there is no error",
  }),
  append: flag({ name: "append", short: "a", description: "write: to the end of what is there" }),
  ...waitOption,
  ...outputOptions,
} as const;

export const fs = defineCommand({
  name: "fs",
  summary: "files of a machine: list, read, write, move, remove",
  description:
    "Works on files of the machine of a connection. PATH is written NAME:/path, or just /path with one connection;\n" +
    "relative paths begin in the home directory there.\n\n" +
    "  fs ls PATH             the names in a directory: / behind directories, @ behind links\n" +
    "  fs cat PATH            a file, of any size, on stdout\n" +
    "  fs write PATH [TEXT]   a file from TEXT, or from stdin\n" +
    "  fs stat PATH           type, size, permissions, time\n" +
    "  fs mkdir PATH          a directory\n" +
    "  fs rm PATH             a file or an empty directory\n" +
    "  fs mv PATH PATH        on the same machine; a file that is there is replaced\n" +
    "  fs exists PATH         true, or false and exit code 1\n\n" +
    "What only looks goes on over an outage; what changes something and is interrupted says so.",
  usage: "<action> <path> [other]",
  options,
  examples: [
    { line: "holdfast fs ls here:/", does: "the root directory of a machine" },
    { line: "holdfast fs stat /tmp --json", does: "of the only machine, as an object" },
  ],
  run,
});

async function run(
  context: Context,
  [action = "", first = "", other]: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  const work = FILE_ACTIONS.get(action);
  if (work === undefined) throw unknownAction(action);
  const path = parseFarPath(first);
  const target = work.second === "path" ? targetOf(path, other) : undefined;
  if (work.second === "none" && other !== undefined) throw usageError(`fs ${action} has one path`);
  const client = openDaemonOf(context);
  try {
    const entry = await chooseConnection(context, client, path.connection);
    const files = await openFiles({ context, client, entry, waitMs: values.wait });
    try {
      const asked: FileWork = {
        context,
        files,
        path: path.path,
        target: target?.path ?? "",
        text: work.second === "text" ? other : undefined,
        recursive: values.recursive,
        parents: values.parents,
        append: values.append,
      };
      if (target !== undefined) await checkSame(context, client, target, entry.id);
      return await work.run(asked);
    } finally {
      await files.close();
    }
  } finally {
    await client.close();
  }
}

/** @throws HoldfastError `usage`. */
function targetOf(from: FarPath, other: string | undefined): FarPath {
  if (other === undefined) throw usageError("fs mv needs two paths: what to move, and where to");
  const target = parseFarPath(other);
  return { ...target, connection: target.connection ?? from.connection };
}

async function checkSame(
  context: Context,
  client: DaemonClient,
  { connection }: FarPath,
  id: number,
): Promise<void> {
  const entry = await chooseConnection(context, client, connection);
  if (entry.id !== id) throw usageError("fs mv moves files on one machine, and these are two");
}

function unknownAction(action: string): Error {
  const guess = didYouMean(action, FILE_ACTIONS.keys());
  const all = [...FILE_ACTIONS.keys()].join(", ");
  return usageError(`there is no fs ${action}`, guess ?? `there are ${all}`);
}
