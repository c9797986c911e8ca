// Whether a process runs, by its number.
import { readFileSync } from "node:fs";

/**
 * One that has ended keeps its number until its parent asks how, which in a container may be never: that is no process
 * any more.
 */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    // EPERM: there is such a process, of somebody else.
    return (thrown as NodeJS.ErrnoException).code !== "ESRCH";
  }
  return process.platform !== "linux" || !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    // The name before it may have any characters, so the last parenthesis is its end.
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.startsWith("Z") === true;
  } catch {
    return false;
  }
}
