// The only place where the command starts a process: its own daemon, detached from this one and its terminal.
import { spawn } from "node:child_process";
import { open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensurePrivateFolder, type HoldfastPaths } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { StartedDaemon } from "@holdfast/remote";
import type { Context } from "../command.ts";

/** What of our environment a daemon is given: what a connection needs beyond it comes with each request. */
const INHERITED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|HOLDFAST_(HOME|CONFIG)|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(all|https?|no)_proxy)$/i;
/** Of what a daemon said before it died. */
const MOST_LAST_WORDS = 4_096;

/** Where a daemon that was started in the background writes what happens. */
export function daemonLogFile({ stateFolder }: Pick<HoldfastPaths, "stateFolder">): string {
  return join(stateFolder, "daemon", "daemon.log");
}

/** Start a daemon that outlives this process. Does not wait until it answers. */
export async function spawnDaemon({ paths, env }: Context): Promise<StartedDaemon> {
  const logFile = daemonLogFile(paths);
  await ensurePrivateFolder(paths.stateFolder);
  await ensurePrivateFolder(dirname(logFile));
  const log = await open(logFile, "a", 0o600);
  const { size } = await log.stat();
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "daemon", "run", "--quiet", "--log-file", logFile], {
    cwd: "/",
    detached: true,
    env: Object.fromEntries(Object.entries(env).filter(([name]) => INHERITED.test(name))),
    // What it says on stderr are the last words of one that dies.
    stdio: ["ignore", "ignore", log.fd],
    windowsHide: true,
  });
  child.unref();
  const ended = new Promise<HoldfastError>((resolve) => {
    child.once("error", (thrown) => resolve(startFailed(HoldfastError.from(thrown).text)));
    child.once("exit", (code, signal) => {
      if (code === 0) resolve(alreadyRunning());
      else void lastWords(logFile, size).then((said) => resolve(startFailed(said ?? `${signal ?? code}`)));
    });
  });
  await log.close();
  return { ended };
}

/** In the background, one that finds another one ends in order. */
function alreadyRunning(): HoldfastError {
  const message = "another daemon was there first";
  return new HoldfastError({ code: "already_running", message, fault: "local" });
}

function startFailed(why: string): HoldfastError {
  const message = `the daemon could not be started: ${why}`;
  const hint = "holdfast daemon logs shows what it said; holdfast daemon run runs it before your eyes";
  return new HoldfastError({ code: "daemon_failed", message, hint, kind: "fatal", fault: "local" });
}

/** The last error that was written to the log since it had that size. */
async function lastWords(logFile: string, from: number): Promise<string | undefined> {
  try {
    const { size } = await stat(logFile);
    const start = Math.max(from, size - MOST_LAST_WORDS);
    await using log = await open(logFile, "r");
    const { buffer, bytesRead } = await log.read(Buffer.alloc(Math.max(0, size - start)), {
      position: start,
    });
    const lines = buffer.toString("utf8", 0, bytesRead).split("\n");
    return lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
  } catch {
    return undefined;
  }
}
