// Programs die with the bench even if it is killed without a chance to say goodbye: a shell of its own session reads
// the list of them from a pipe, and when the pipe ends, kills whoever is on it.
import { spawn, type ChildProcess } from "node:child_process";
import { onLeave } from "./leaving.ts";

const SCRIPT = 'pids=""; while read -r line; do pids="$line"; done; [ -z "$pids" ] || kill -9 $pids';

/** One for each program that runs. */
const running = new Set<ChildProcess>();
let guard: ChildProcess | undefined;

/** End it when this process ends, in whatever way. */
export function diesWithUs(child: ChildProcess): void {
  if (running.size === 0 && guard === undefined) {
    guard = startGuard();
    onLeave(() => {
      for (const each of running) each.kill("SIGKILL");
    });
  }
  running.add(child);
  tellGuard();
  const gone = (): void => {
    running.delete(child);
    tellGuard();
  };
  child.once("exit", gone).once("error", gone);
}

/** In a session of its own: what ends the bench from a terminal must not end it. */
function startGuard(): ChildProcess {
  const child = spawn("/bin/sh", ["-c", SCRIPT], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  child.once("error", () => console.error("no /bin/sh: a bench that is killed leaves its programs behind"));
  child.stdin?.on("error", () => undefined);
  child.unref();
  // A pipe of this kind is a socket, which must not keep the process either.
  (child.stdin as { unref?: () => void } | null)?.unref?.();
  return child;
}

function tellGuard(): void {
  const pids = [...running].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  guard?.stdin?.write(`${pids.join(" ")}\n`);
}
