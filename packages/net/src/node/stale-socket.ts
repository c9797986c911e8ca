// Listening on a unix socket whose name a program that was killed has left behind. The name is taken away only if it is
// a socket of ours that refuses to be connected to. Whoever listens on a name holds its lock meanwhile: between bind and
// listen a socket that is about to be served refuses, too.
import { randomBytes } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { link, lstat, open, rename, rm, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "../host.ts";

/** A lock is held for milliseconds; one this old was left behind, in milliseconds. */
const STALE_LOCK_MS = 10_000;
/** How long to wait for others in all, in milliseconds. */
const LOCK_WAIT_MS = 15_000;
const POLL_MS = 10;

/**
 * Run `bind`, and once more if the name was only left behind.
 * @throws HoldfastError what `bind` throws, or `address_in_use` if others are at it for too long.
 */
export async function bindPath(path: string, bind: () => Promise<void>): Promise<void> {
  const held = await lock(path);
  try {
    await bind().catch(async (error: unknown) => {
      const inUse = error instanceof HoldfastError && error.code === "address_in_use";
      if (!inUse || held === undefined || !(await removeLeftBehind(path))) throw error;
      await bind();
    });
  } finally {
    if (held !== undefined) await removeLock(path, held);
  }
}

/** @returns whether the name is free now. */
async function removeLeftBehind(path: string): Promise<boolean> {
  const before = await socketAt(path);
  if (before === undefined || !(await refuses(path))) return false;
  // Somebody may have put another one there since.
  if ((await socketAt(path)) !== before) return false;
  await unlink(path).catch(() => undefined);
  return (await socketAt(path)) === undefined;
}

/** Which socket of ours is there, links not followed; nothing if it is anything else. */
async function socketAt(path: string): Promise<string | undefined> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined);
  if (stats === undefined || !stats.isSocket()) return undefined;
  const user = process.geteuid?.();
  if (user !== undefined && Number(stats.uid) !== user) return undefined;
  return `${fileOf(stats)} ${stats.ctimeNs}`;
}

/** Anything but a refusal, as of a listener that is busy, means that somebody is there. */
function refuses(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}

function lockOf(path: string): string {
  return `${path}.lock`;
}

/** @returns which lock is held; nothing where none can be made, and there no name is taken away. */
async function lock(path: string): Promise<string | undefined> {
  // Named pipes of Windows and abstract names of Linux are gone with their program.
  if (process.platform === "win32" || path.startsWith("\0")) return undefined;
  const began = systemClock.mono();
  for (;;) {
    try {
      const file = await open(lockOf(path), "wx", 0o600);
      const made = fileOf(await file.stat({ bigint: true }));
      await file.close();
      return made;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") return undefined;
    }
    const present = await lstat(lockOf(path), { bigint: true }).catch(() => undefined);
    const ageMs = present === undefined ? 0 : systemClock.wall() - Number(present.mtimeMs);
    if (present?.isFile() === true && ageMs > STALE_LOCK_MS) {
      await removeLock(path, fileOf(present));
    } else if (systemClock.mono() - began > LOCK_WAIT_MS) {
      throw busy(path);
    } else {
      await new Promise<void>((resolve) => systemClock.timer(resolve).set(POLL_MS));
    }
  }
}

/** Another one that has come in its place is put back. */
async function removeLock(path: string, which: string): Promise<void> {
  const taken = `${lockOf(path)}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(lockOf(path), taken);
  } catch {
    return;
  }
  const stats = await lstat(taken, { bigint: true }).catch(() => undefined);
  if (stats !== undefined && fileOf(stats) !== which) await link(taken, lockOf(path)).catch(() => undefined);
  await rm(taken, { force: true });
}

function fileOf({ dev, ino }: BigIntStats): string {
  return `${dev} ${ino}`;
}

function busy(path: string): HoldfastError {
  return new HoldfastError({
    code: "address_in_use",
    message: `another program is about to listen on ${path}`,
    hint: `try again; if there is none, remove ${lockOf(path)}`,
    fault: "local",
  });
}
