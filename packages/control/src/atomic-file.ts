// State files that are whole after a crash: written beside, flushed, renamed. One that is damaged anyway is set
// aside and reported, so that the program starts and a person can look at it.
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { randomBytes } from "node:crypto";
import { HoldfastError } from "@holdfast/core";
import { errorCode } from "./system-error.ts";

/**
 * Replace the file's content (mode 0600) in one step.
 * @throws HoldfastError `cannot_write`; the old content is then untouched.
 */
export async function writeFileAtomically(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw new HoldfastError({
      code: "cannot_write",
      message: `cannot write ${path}: ${errorCode(thrown)}`,
      fault: "local",
      cause: thrown,
    });
  }
}

/** The rename itself is only on disk once the folder is. Some file systems cannot say so; that is not a failure. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  try {
    await folder?.sync();
  } catch {
    // EINVAL on network file systems.
  } finally {
    await folder?.close();
  }
}

export interface StateFile<T> {
  /** Absent if there was no file, or none that could be understood. */
  readonly value: T | undefined;
  /** Where a damaged file has been put. */
  readonly setAside: string | undefined;
}

/**
 * Read a file of ours. `parse` throws on anything that it does not understand.
 * @throws HoldfastError `cannot_read` if the file is there and cannot be read.
 */
export async function readStateFile<T>(path: string, parse: (text: string) => T): Promise<StateFile<T>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return { value: undefined, setAside: undefined };
    throw new HoldfastError({
      code: "cannot_read",
      message: `cannot read ${path}: ${errorCode(thrown)}`,
      kind: "fatal",
      fault: "local",
      cause: thrown,
    });
  }
  try {
    return { value: parse(text), setAside: undefined };
  } catch {
    const setAside = `${path}.corrupt-${randomBytes(4).toString("hex")}`;
    await rename(path, setAside);
    return { value: undefined, setAside };
  }
}
