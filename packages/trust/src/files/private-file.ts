// Reading what nobody else may have written or read: keys, pins, leases. The file that is checked is the file that is
// read: it is opened once, never through a link, and asked about itself.
import { constants, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { HoldfastError } from "@holdfast/core";
import { effectiveUser } from "./effective-user.ts";
import { describeSystemError, errorCode } from "./system-error.ts";

const OTHERS = 0o077;

/** No file of ours is longer, in bytes. */
export const MAX_PRIVATE_FILE_BYTES: number = 16 * 1024 * 1024;

/** `O_NONBLOCK`: to open a pipe that somebody put there must not wait for a writer. Neither flag is there on Windows. */
export const PLAIN_FILE_FLAGS: number =
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The text of a file of ours; `undefined` if there is none.
 * @throws HoldfastError `unsafe_file` if it is a link, no plain file, of another user, or open to others;
 * `cannot_read` if it cannot be read or is longer than 16 MiB.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, PLAIN_FILE_FLAGS);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === "ENOENT") return undefined;
    // What BSD says of a link is EMLINK.
    if (code === "ELOOP" || code === "EMLINK") throw unsafe(path, "is a link", `put the file itself there`);
    throw unreadable(path, describeSystemError(thrown), thrown);
  }
  try {
    const stats = await file.stat();
    check(path, stats);
    if (stats.size > MAX_PRIVATE_FILE_BYTES) throw unreadable(path, `it has ${stats.size} bytes`, undefined);
    return await file.readFile("utf8");
  } catch (thrown) {
    if (thrown instanceof HoldfastError) throw thrown;
    throw unreadable(path, describeSystemError(thrown), thrown);
  } finally {
    await file.close();
  }
}

function check(path: string, stats: Stats): void {
  if (!stats.isFile()) throw unsafe(path, "is no plain file", `move ${path} away`);
  const user = effectiveUser();
  if (user === undefined) return;
  if (stats.uid !== user) {
    throw unsafe(
      path,
      `belongs to user ${stats.uid}`,
      "run as that user, or set HOLDFAST_HOME to a folder of your own",
    );
  }
  if ((stats.mode & OTHERS) !== 0) {
    throw unsafe(
      path,
      `is open to others (mode ${(stats.mode & 0o777).toString(8)})`,
      `run: chmod 600 ${path}`,
    );
  }
}

function unsafe(path: string, why: string, hint: string): HoldfastError {
  return new HoldfastError({
    code: "unsafe_file",
    message: `${path} ${why}, so it is not used`,
    kind: "fatal",
    fault: "local",
    hint,
  });
}

function unreadable(path: string, why: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: "cannot_read",
    message: `cannot read ${path}: ${why}`,
    kind: "fatal",
    fault: "local",
    cause,
  });
}
