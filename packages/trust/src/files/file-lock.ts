// One process at a time may change a file: whoever makes `FILE.lock` first. A crash leaves it behind; it is taken away
// when it has not changed hands for so long that nobody can be at work.
import { link, open, rename, rm, type FileHandle } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { HoldfastError, type Clock } from "@holdfast/core";
import { createFileOnce } from "./atomic-file.ts";
import { PLAIN_FILE_FLAGS } from "./private-file.ts";
import { describeSystemError, errorCode } from "./system-error.ts";

export interface FileLockOptions {
  readonly clock: Clock;
  /** A lock that stays the same for so long was left behind, in milliseconds. Default 5,000. */
  readonly staleAfterMs?: number;
  /** How long to wait for others in all, in milliseconds. Default 20,000. */
  readonly waitMs?: number;
}

export interface FileLock {
  /**
   * Ask right before the change is put in place: a process that was stopped may have been taken for dead.
   * @throws HoldfastError `file_busy`.
   */
  readonly assertHeld: () => Promise<void>;
}

const POLL_MS = 20;

/**
 * Run `action` while no other holder of the lock of `path` does. The lock is `PATH.lock`, in the same folder.
 * @throws HoldfastError `file_busy` if others hold it for too long, `unsafe_file` if something else is in the
 * lock's place; whatever `action` throws.
 */
export async function withFileLock<T>(
  path: string,
  options: FileLockOptions,
  action: (lock: FileLock) => Promise<T>,
): Promise<T> {
  const lockPath = `${path}.lock`;
  const token = randomBytes(16).toString("hex");
  await acquire(lockPath, token, options);
  try {
    return await action({
      assertHeld: async () => {
        if ((await holder(lockPath)) !== token) throw busy(path, "was taken over by another process");
      },
    });
  } finally {
    if ((await holder(lockPath)) === token) await rm(lockPath, { force: true });
  }
}

async function acquire(lockPath: string, token: string, options: FileLockOptions): Promise<void> {
  const { clock, staleAfterMs = 5_000, waitMs = 20_000 } = options;
  const began = clock.mono();
  let seen: string | undefined;
  let since = began;
  while (!(await createFileOnce(lockPath, token))) {
    const now = clock.mono();
    const present = await holder(lockPath);
    if (present !== seen) [seen, since] = [present, now];
    if (seen !== undefined && now - since >= staleAfterMs) await breakLock(lockPath, seen);
    else if (now - began >= waitMs)
      throw busy(lockPath.slice(0, -".lock".length), "is held by another process");
    else if (present !== undefined) await pause(clock);
  }
}

/** Take away the lock that `token` left. One that came in its place meanwhile is put back. */
export async function breakLock(lockPath: string, token: string): Promise<void> {
  const taken = `${lockPath}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(lockPath, taken);
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return;
    throw thrown;
  }
  if ((await holder(taken)) !== token) await link(taken, lockPath).catch(() => undefined);
  await rm(taken, { force: true });
}

/** Whatever else stands in the lock's place (a link, a pipe, a folder) is neither followed nor waited for. */
async function holder(lockPath: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(lockPath, PLAIN_FILE_FLAGS);
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return undefined;
    throw inTheWay(lockPath, describeSystemError(thrown), thrown);
  }
  try {
    if (!(await file.stat()).isFile()) throw inTheWay(lockPath, "it is no plain file");
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

function inTheWay(lockPath: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: "unsafe_file",
    message: `${lockPath} cannot be a lock: ${why}`,
    kind: "fatal",
    fault: "local",
    hint: `move ${lockPath} away`,
    cause,
  });
}

async function pause(clock: Clock): Promise<void> {
  await new Promise<void>((resolve) => {
    clock.timer(resolve).set(POLL_MS);
  });
}

function busy(path: string, why: string): HoldfastError {
  return new HoldfastError({
    code: "file_busy",
    message: `${path} ${why}, so it was not changed`,
    fault: "local",
    hint: `try again; if no other holdfast is running, remove ${path}.lock`,
  });
}
