// An attempt that writes down what the transport reports.
import type { Attempt } from "../link.ts";

export interface RecordedAttempt extends Attempt {
  readonly heardCount: number;
  /** The causes given to `lost`, in order. */
  readonly losses: readonly unknown[];
  /** Cancel the dial. */
  abort(reason?: unknown): void;
}

export function recordAttempt(): RecordedAttempt {
  const controller = new AbortController();
  const losses: unknown[] = [];
  let heardCount = 0;
  return {
    signal: controller.signal,
    attempt: 1,
    epoch: 1,
    credential: undefined,
    suspect: false,
    losses,
    get heardCount() {
      return heardCount;
    },
    heard: () => void heardCount++,
    lost: (cause) => void losses.push(cause),
    draining: () => undefined,
    progress: () => undefined,
    abort: (reason) => controller.abort(reason),
  };
}
