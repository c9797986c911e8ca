// One call with a deadline and a signal that ends it. An answer that comes too late is given back, not leaked.
import type { Clock, HoldfastError } from "@holdfast/core";

export interface BoundedCall<T> {
  readonly clock: Clock;
  /** `Infinity`: none. */
  readonly timeoutMs: number;
  readonly tooLate: () => HoldfastError;
  readonly signal: AbortSignal;
  readonly run: (signal: AbortSignal) => Promise<T>;
  /** What to do with an answer that nobody waits for any more. */
  readonly discard?: ((late: T) => void) | undefined;
}

/** Rejects with the signal's reason, with `tooLate()`, or with what `run` rejects with, at once in each case. */
export function boundedCall<T>({
  clock,
  timeoutMs,
  tooLate,
  signal,
  run,
  discard,
}: BoundedCall<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const inner = new AbortController();
    let settled = false;
    const settle = (act: () => void): void => {
      settled = true;
      timer.clear();
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const fail = (reason: unknown): void => {
      if (settled) return;
      settle(() => reject(reason as Error));
      inner.abort(reason);
    };
    const onAbort = (): void => fail(signal.reason);
    const timer = clock.timer(() => fail(tooLate()));
    if (timeoutMs !== Infinity) timer.set(timeoutMs);
    signal.addEventListener("abort", onAbort, { once: true });
    run(inner.signal).then(
      (value) => (settled ? discard?.(value) : settle(() => resolve(value))),
      (thrown: unknown) => fail(thrown),
    );
  });
}
