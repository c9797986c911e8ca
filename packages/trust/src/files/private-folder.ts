// A folder that nobody else can look into. In /tmp another user may have made it first, so its owner and mode
// are checked each time before anything is put into it or believed from it.
import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { HoldfastError } from "@holdfast/core";
import { effectiveUser } from "./effective-user.ts";
import { describeSystemError, errorCode } from "./system-error.ts";

const OTHERS = 0o077;

/**
 * Make the folder (mode 0700) if it is missing, and check it.
 * @throws HoldfastError `unsafe_folder` if it is a link, belongs to somebody else or is open to others;
 * `cannot_make_folder` if it cannot be made.
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (thrown) {
    throw new HoldfastError({
      code: "cannot_make_folder",
      message: `cannot make the folder ${path}: ${whyNot(thrown)}`,
      kind: "fatal",
      fault: "local",
      hint: "set HOLDFAST_HOME to a folder that you can write to",
      cause: thrown,
    });
  }
  await checkPrivateFolder(path);
}

/** Node's own `recursive` never ends where the system says ENOENT below a folder that is there, as in /proc. */
async function makeFolders(path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await isThere(folder)); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.toReversed()) {
    await mkdir(folder, { mode: 0o700 }).catch((thrown: unknown) => {
      // Another process was quicker.
      if (errorCode(thrown) !== "EEXIST") throw thrown;
    });
  }
}

/** A root is always there, so looking for a parent that exists ends. Links count as what they lead to. */
async function isThere(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    if (!stats.isDirectory()) throw Object.assign(new Error(`${path} is not a folder`), { code: "ENOTDIR" });
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT" && dirname(path) !== path) return false;
    throw thrown;
  }
}

/**
 * Whether the folder is there, and ours.
 * @throws HoldfastError `unsafe_folder`.
 */
export async function checkPrivateFolder(path: string): Promise<boolean> {
  const stats = await lstat(path).catch((thrown: unknown) => {
    if (errorCode(thrown) === "ENOENT") return undefined;
    throw thrown;
  });
  if (stats === undefined) return false;
  const uid = effectiveUser();
  if (!stats.isDirectory()) throw unsafe(path, "is not a folder", `move ${path} away`);
  if (uid !== undefined && stats.uid !== uid) {
    throw unsafe(path, `belongs to user ${stats.uid}`, "set HOLDFAST_HOME to a folder of your own");
  }
  // A umask cannot have opened a folder of ours further than 0700, but a person may have.
  if (uid !== undefined && (stats.mode & OTHERS) !== 0) {
    throw unsafe(
      path,
      `is open to others (mode ${(stats.mode & 0o777).toString(8)})`,
      `run: chmod 700 ${path}`,
    );
  }
  return true;
}

/** ENOENT for a folder whose parent is there: it is a place like /proc. */
function whyNot(thrown: unknown): string {
  return errorCode(thrown) === "ENOENT" ? "no folder can be made there" : describeSystemError(thrown);
}

function unsafe(path: string, why: string, hint: string): HoldfastError {
  return new HoldfastError({
    code: "unsafe_folder",
    message: `${path} ${why}, so it is not used`,
    kind: "fatal",
    fault: "local",
    hint,
  });
}
