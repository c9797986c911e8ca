// Waiting for something, but not for ever.
import type { Clock, HoldfastError } from "@holdfast/core";

/** As `promise`, or a rejection with `late()` after `ms`. The promise itself goes on; how it ends then harms nobody. */
export function within<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  late: () => HoldfastError,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.timer(() => reject(late()));
    timer.set(ms);
    promise.then(
      (value) => {
        timer.clear();
        resolve(value);
      },
      (thrown: unknown) => {
        timer.clear();
        reject(thrown as Error);
      },
    );
  });
}
