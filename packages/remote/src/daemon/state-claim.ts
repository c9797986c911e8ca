// A state folder belongs to one daemon at a time, also where its user has several runtime folders: XDG_RUNTIME_DIR is
// set in a session at the machine, and not in a job of cron.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/core";
import { openSocket } from "@holdfast/net/node";
import { readStateFile, writeFileAtomically } from "@holdfast/trust/files";
import { z } from "zod";

/** How long another daemon may take to accept a connection, in milliseconds. */
const ANSWER_MS = 2_000;

const claimed: z.ZodType<{ readonly session_socket: string }> = z.object({ session_socket: z.string() });

/**
 * Take the state folder for the daemon with this session socket.
 * @returns what gives it back.
 * @throws HoldfastError `already_running`, `unsafe_file`, `cannot_read`, `cannot_write`.
 */
export async function claimState(folder: string, sessionSocket: string): Promise<() => Promise<void>> {
  const path = join(folder, "running.json");
  const { value } = await readStateFile(path, (text) => claimed.parse(JSON.parse(text)));
  const other = value?.session_socket;
  if (other !== undefined && other !== sessionSocket && (await answers(other))) throw taken(folder, other);
  await writeFileAtomically(path, `${JSON.stringify({ session_socket: sessionSocket })}\n`);
  return () => rm(path, { force: true });
}

async function answers(path: string): Promise<boolean> {
  try {
    const socket = await openSocket({ path }, { timeoutMs: ANSWER_MS });
    socket.destroy();
    return true;
  } catch (thrown) {
    // One that is too busy to answer is there.
    return HoldfastError.from(thrown).code === "timed_out";
  }
}

function taken(folder: string, socket: string): HoldfastError {
  return new HoldfastError({
    code: "already_running",
    message: `a daemon of this user is running already: it has ${folder} and listens on ${socket}`,
    hint: "set XDG_RUNTIME_DIR to what it is for that daemon, or end it where it was started",
    kind: "fatal",
    fault: "local",
  });
}
