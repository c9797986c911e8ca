// State files that are whole after a crash: written beside, flushed, then put in place in one step.
import { constants } from "node:fs";
import { copyFile, link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { randomBytes } from "node:crypto";
import { HoldfastError } from "@holdfast/core";
import { describeSystemError, errorCode } from "./system-error.ts";

/**
 * Replace the file's content (mode 0600) in one step.
 * @param check asked when all but that step is done, which may take a while; if it throws, nothing has happened.
 * @throws HoldfastError `cannot_write`; the old content is then untouched.
 */
export async function writeFileAtomically(
  path: string,
  data: string | Uint8Array,
  check?: () => Promise<void>,
): Promise<void> {
  await writeBeside(path, data, async (temporary) => {
    await check?.();
    await rename(temporary, path);
  });
}

/**
 * Make the file (mode 0600) with its whole content, if there is none. Of several that try at once, one succeeds.
 * @returns whether it was made.
 * @throws HoldfastError `cannot_write`.
 */
export async function createFileOnce(path: string, data: string | Uint8Array): Promise<boolean> {
  let made = true;
  await writeBeside(path, data, async (temporary) => {
    try {
      await place(temporary, path);
    } catch (thrown) {
      if (errorCode(thrown) !== "EEXIST") throw thrown;
      made = false;
    }
    await rm(temporary);
  });
  return made;
}

/** What file systems without hard links say. A copy is not there in one step, but it is there once. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

async function place(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (thrown) {
    if (!NO_LINKS.has(errorCode(thrown))) throw thrown;
    await copyFile(temporary, path, constants.COPYFILE_EXCL);
  }
}

async function writeBeside(
  path: string,
  data: string | Uint8Array,
  putInPlace: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await putInPlace(temporary);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(temporary, { force: true });
    if (thrown instanceof HoldfastError) throw thrown;
    throw new HoldfastError({
      code: "cannot_write",
      message: `cannot write ${path}: ${describeSystemError(thrown)}`,
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
