// What runs for a scene although no act started it by itself: a daemon lives on when its commands have ended.
import { readdirSync, readFileSync } from "node:fs";
import { until } from "./condition.ts";

/** The processes whose `HOLDFAST_HOME` is in this folder. Where there is no /proc, none is found. */
export function processesOf(folder: string): number[] {
  const wanted = `\0HOLDFAST_HOME=${folder}`;
  return listed("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(wanted))
    .map(Number);
}

/** Kill them without a chance to say goodbye, and wait until they are gone. */
export async function endProcessesOf(folder: string): Promise<void> {
  for (const pid of processesOf(folder)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It went by itself in between.
    }
  }
  await until("the scene's processes have ended", () => processesOf(folder).length === 0);
}

export function isRunning(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !/\) Z /.test(stat);
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty if it is not there, or not ours to read. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
