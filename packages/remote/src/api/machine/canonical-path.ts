// What a path leads to, without links, dots or a working directory. Files alone cannot tell; the far side's readlink can.
import { HoldfastError } from "@holdfast/core";
import type { ConnectedMachine } from "../../connection/connection.ts";
import type { SystemInfo } from "../../plugin/machine.ts";
import { runProgram } from "./run-program.ts";

/** Undefined if the machine has no way to say. */
export async function canonicalPath(machine: ConnectedMachine, path: string): Promise<string | undefined> {
  try {
    const { code, stdout } = await runProgram(machine, ["readlink", "-f", "--", path]);
    const found = stdout.endsWith("\n") ? stdout.slice(0, -1) : stdout;
    return code === 0 && found.startsWith("/") ? found : undefined;
  } catch (thrown) {
    if (HoldfastError.from(thrown).code === "unsupported") return undefined;
    throw thrown;
  }
}

/** What each machine said of itself: it is asked once, because over ssh that is a program to run. */
const known = new WeakMap<ConnectedMachine, Promise<SystemInfo>>();

function infoOf(machine: ConnectedMachine): Promise<SystemInfo> {
  const asked = known.get(machine) ?? machine.systemInfo();
  known.set(machine, asked);
  asked.catch(() => known.delete(machine));
  return asked;
}

/** Between the names of a path. */
export async function separatorOn(machine: ConnectedMachine): Promise<string> {
  return separatorOf((await infoOf(machine)).family);
}

/** From the root, with links and dots left as they are. */
export async function absolutePath(machine: ConnectedMachine, path: string): Promise<string> {
  const { family, currentDirectory } = await infoOf(machine);
  const separator = separatorOf(family);
  if (path.startsWith("/") || (family === "windows" && /^([A-Za-z]:)?[\\/]/.test(path))) return path;
  const rest = path.replace(/^(\.[\\/]+)+/, "");
  return rest === "." || rest === "" ? currentDirectory : joinPath(currentDirectory, rest, separator);
}

export function separatorOf(family: string): string {
  return family === "windows" ? "\\" : "/";
}

export function joinPath(folder: string, name: string, separator = "/"): string {
  return folder.endsWith(separator) ? `${folder}${name}` : `${folder}${separator}${name}`;
}
