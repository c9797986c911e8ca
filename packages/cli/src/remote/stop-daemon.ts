// Stop the daemon in order, whatever its version, and wait until its process is gone.
import { setTimeout as delay } from "node:timers/promises";
import { isProcessAlive, type ControlClient } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";

const LOOK_MS = 20;
/** Connections and what runs over them are ended in order first. */
const STOP_MS = 30_000;

/** @throws HoldfastError `timed_out` if its process does not end. */
export async function stopDaemon(daemon: ControlClient): Promise<void> {
  const { pid } = daemon.hello;
  try {
    const entry = (await daemon.list()).find(({ type }) => type === "daemon");
    // One that listens and is not ready yet has no entry.
    if (entry === undefined) process.kill(pid, "SIGTERM");
    else await daemon.disconnect(entry.id);
  } catch (thrown) {
    const { code } = HoldfastError.from(thrown);
    // It has gone by itself meanwhile.
    if (code !== "connection_closed" && code !== "connection_reset" && code !== "esrch") throw thrown;
  } finally {
    daemon.close();
  }
  const deadline = performance.now() + STOP_MS;
  while (isProcessAlive(pid)) {
    if (performance.now() > deadline) throw hangs(pid);
    await delay(LOOK_MS);
  }
}

function hangs(pid: number): HoldfastError {
  return new HoldfastError({
    code: "timed_out",
    message: `the daemon (process ${pid}) has not ended within ${STOP_MS / 1_000} s`,
    fault: "local",
    hint: `kill -9 ${pid} ends it; what is kept comes back with the next one`,
  });
}
