// The control sockets as files: one for each process, `NAME-PID.sock`. A crash leaves one behind; it is removed
// by whoever meets it next, but only when nobody listens on it and its process is gone.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/core";
import { checkPrivateFolder } from "@holdfast/trust/files";
import { isProcessAlive } from "./process-alive.ts";

/** The kernel's limit for the path of a unix socket, the final zero included: 104 on macOS, 108 on Linux. */
const LONGEST_SOCKET_PATH = process.platform === "darwin" ? 103 : 107;
const LONGEST_NAME = 32;

export interface SocketFile {
  readonly path: string;
  /** The first part of the file's name. */
  readonly name: string;
  readonly pid: number;
}

/** What a name looks like in a file name: safe characters, and not too many. */
export function socketName(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(0, LONGEST_NAME);
  return safe === "" ? "holdfast" : safe;
}

/**
 * The path of this process's socket.
 * @throws HoldfastError `path_too_long` if the system cannot bind such a path.
 */
export function socketPath(runtimeFolder: string, name: string, pid: number): string {
  const path = join(runtimeFolder, `${socketName(name)}-${pid}.sock`);
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    throw new HoldfastError({
      code: "path_too_long",
      message: `the control socket's path has ${Buffer.byteLength(path)} bytes, this system allows ${LONGEST_SOCKET_PATH}: ${path}`,
      kind: "fatal",
      fault: "local",
      hint: "set HOLDFAST_HOME to a shorter path",
    });
  }
  return path;
}

/**
 * Every control socket of this user, the dead ones included, oldest process number first.
 * @throws HoldfastError `unsafe_folder`.
 */
export async function listSocketFiles(runtimeFolder: string): Promise<readonly SocketFile[]> {
  if (!(await checkPrivateFolder(runtimeFolder))) return [];
  const files: SocketFile[] = [];
  for (const file of await readdir(runtimeFolder)) {
    const [, name, pid] = /^(.*)-(\d+)\.sock$/.exec(file) ?? [];
    if (name === undefined) continue;
    files.push({ path: join(runtimeFolder, file), name, pid: Number(pid) });
  }
  return files.toSorted((a, b) => a.pid - b.pid);
}

/**
 * Remove a socket on which a dial was refused, if its process is gone. A process that is alive is left alone: it
 * may be just about to listen.
 */
export async function removeIfStale(file: SocketFile): Promise<boolean> {
  if (isProcessAlive(file.pid)) return false;
  await rm(file.path, { force: true });
  return true;
}
