// How a process and what it started are ended: asked first, and killed if that does not help.
import type { Clock } from "@holdfast/core";
import { signalGroup } from "../children.ts";

const GRACE_MS = 5_000;
const LOOK_AGAIN_MS = 50;

/**
 * Signal the group, and KILL after 5 s what is left of it. The timer lives until the group has gone; then, or when it
 * was killed, `gone` is called.
 */
export function endGroup(
  leader: number,
  signals: readonly NodeJS.Signals[],
  clock: Clock,
  gone: () => void,
): void {
  // A stopped process takes no signal before it goes on.
  for (const signal of [...signals, "SIGCONT"] as const) signalGroup(leader, signal);
  const killAt = clock.mono() + GRACE_MS;
  const timer = clock.timer(look);
  look();

  function look(): void {
    if (!signalGroup(leader, 0)) return gone();
    if (clock.mono() < killAt) return timer.set(LOOK_AGAIN_MS);
    signalGroup(leader, "SIGKILL");
    gone();
  }
}
