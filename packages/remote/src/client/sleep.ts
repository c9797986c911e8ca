// A wait by a clock that can be handed in.
import type { Clock } from "@holdfast/core";

/** Resolves after `ms`, or rejects with the signal's reason if that comes first. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.clear();
      reject(signal.reason as Error);
    };
    const timer = clock.timer(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    timer.set(ms);
  });
}
