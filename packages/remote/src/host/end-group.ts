// How a process and what it started are ended: asked first, and killed if that does not help.
import type { Clock } from "@holdfast/core";
import { signalGroup } from "../children.ts";

const GRACE_MS = 5_000;
const LOOK_AGAIN_MS = 50;

/** TERM to the group, KILL after 5 s to what is left of it. The timer lives until the group is gone. */
export function endGroup(leader: number, clock: Clock): void {
  // A stopped process takes no TERM before it goes on.
  if (!signalGroup(leader, "SIGTERM")) return;
  signalGroup(leader, "SIGCONT");
  const killAt = clock.mono() + GRACE_MS;
  const timer = clock.timer(() => {
    if (!signalGroup(leader, 0)) return;
    if (clock.mono() >= killAt) signalGroup(leader, "SIGKILL");
    else timer.set(LOOK_AGAIN_MS);
  });
  timer.set(LOOK_AGAIN_MS);
}
