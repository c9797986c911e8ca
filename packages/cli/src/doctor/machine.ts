// What a machine must have, one check each.
import { readFile } from "node:fs/promises";
import { ensurePrivateFolder, socketPath, type Check } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";

const LEAST_NODE = [20, 19] as const;
/** Each visitor takes two at the client and two at the relay. */
const GOOD_FILE_LIMIT = 4_096;
/** Before this, a clock has not been set. */
const RELEASED = Date.UTC(2026, 0, 1);

export function checkNode(version: string = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  if (enough) return check("node", "ok", `version ${version}`);
  return check(
    "node",
    "failed",
    `version ${version} is too old`,
    `install Node ${LEAST_NODE.join(".")} or newer`,
  );
}

export async function checkRuntimeFolder(path: string): Promise<Check> {
  try {
    await ensurePrivateFolder(path);
    // As long as the socket of an ordinary tunnel, so that the answer is about more than the folder.
    socketPath(path, "expose-3000", process.pid);
    return check("runtime folder", "ok", path);
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    return check("runtime folder", "failed", error.text, error.hint);
  }
}

/** The soft limit of this process. Node raises it to the hard limit when it starts. */
export async function checkFileLimit(read: () => Promise<string> = readLimits): Promise<Check> {
  const text = await read().catch(() => "");
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1];
  if (limit === undefined) return check("open files", "ok", "the limit cannot be read on this system");
  if (limit === "unlimited" || Number(limit) >= GOOD_FILE_LIMIT)
    return check("open files", "ok", `limit ${limit}`);
  return check(
    "open files",
    "warning",
    `limit ${limit} is low for a relay`,
    `run: ulimit -n ${GOOD_FILE_LIMIT}`,
  );
}

export function checkClock(wall: number = Date.now()): Check {
  const shown = new Date(wall).toISOString();
  if (wall >= RELEASED) return check("clock", "ok", shown);
  return check(
    "clock",
    "warning",
    `${shown} cannot be right`,
    "set the clock; certificates and times depend on it",
  );
}

function readLimits(): Promise<string> {
  return readFile("/proc/self/limits", "utf8");
}

function check(name: string, outcome: Check["outcome"], message: string, hint?: string): Check {
  return { type: "check", name, outcome, message, hint: hint ?? null };
}
