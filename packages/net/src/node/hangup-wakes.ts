// SIGHUP in a client means: reconnect now.
import type { WakeSource } from "../line.ts";

const listeners = new Set<() => void>();

/**
 * Wakes with `user` on SIGHUP. While any such source is in use the signal does not end the process; however many
 * there are, the process has one listener for all.
 */
export function hangupWakes(): WakeSource {
  return (wake) => {
    const listener = (): void => wake("user");
    if (listeners.size === 0) process.on("SIGHUP", tellAll);
    listeners.add(listener);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) process.removeListener("SIGHUP", tellAll);
    };
  };
}

function tellAll(): void {
  for (const listener of listeners) listener();
}
