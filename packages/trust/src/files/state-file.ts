// A file of ours that is damaged all the same is set aside and reported, so that the program starts, a person can look
// at it, and nothing in it is believed.
import { link, rename, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { HoldfastError } from "@holdfast/core";
import { readPrivateFile } from "./private-file.ts";
import { describeSystemError, errorCode } from "./system-error.ts";

/** What was read. */
export interface StateFile<T> {
  /** Absent if there was no file, or none that could be understood. */
  readonly value: T | undefined;
  /** Where a damaged file has been put. */
  readonly setAside: string | undefined;
}

/**
 * Read a file of ours. `parse` throws on anything that it does not understand.
 * @throws HoldfastError `unsafe_file`; `cannot_read` if the file is there and cannot be read, or is damaged and cannot
 * be set aside.
 */
export async function readStateFile<T>(path: string, parse: (text: string) => T): Promise<StateFile<T>> {
  const text = await readPrivateFile(path);
  if (text === undefined) return { value: undefined, setAside: undefined };
  try {
    return { value: parse(text), setAside: undefined };
  } catch {
    return await putAside(path, text, parse);
  }
}

/** Others may do the same at this moment, and may have put a good file in its place. */
async function putAside<T>(path: string, damaged: string, parse: (text: string) => T): Promise<StateFile<T>> {
  const setAside = `${path}.corrupt-${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, setAside);
  } catch (thrown) {
    // Somebody else was quicker.
    if (errorCode(thrown) === "ENOENT") return await readStateFile(path, parse);
    throw new HoldfastError({
      code: "cannot_read",
      message: `${path} is damaged and cannot be set aside: ${describeSystemError(thrown)}`,
      kind: "fatal",
      fault: "local",
      hint: `move ${path} away`,
      cause: thrown,
    });
  }
  if ((await readPrivateFile(setAside)) === damaged) return { value: undefined, setAside };
  await putBack(setAside, path);
  return await readStateFile(path, parse);
}

async function putBack(from: string, path: string): Promise<void> {
  try {
    await link(from, path);
  } catch (thrown) {
    // A newer one is there already.
    if (errorCode(thrown) !== "EEXIST") return;
  }
  await rm(from, { force: true });
}
