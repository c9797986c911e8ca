// The callback preset: one integer at a time, for callers that can take nothing richer. Above 0 it is the epoch
// of a new link; 0 or less comes once, last. DESIGN rule 15.
import { HoldfastError, type EndReason } from "@holdfast/core";
import type { Line } from "./line.ts";

/** 0: closed as asked. */
const CLOSED = 0;
/** The line gave up or was refused. */
const GAVE_UP = -1;
/** The epoch no longer fits: an error, never a smaller number. */
const OVERFLOW = -2;
const MAX_EPOCH = 2 ** 31 - 1;

/**
 * Call back with each epoch, then once with the terminal code. Transient losses are not reported, and neither is
 * an epoch that another has already followed. Never runs inside the engine's step; may call anything, `close`
 * included. What the callback throws goes to `onError`.
 */
export function watchEpochs(
  line: Pick<Line, "changes" | "close">,
  callback: (code: number) => void,
  onError?: (error: HoldfastError) => void,
): void {
  void run(line, (code) => {
    try {
      callback(code);
    } catch (thrown) {
      tell(HoldfastError.from(thrown), onError);
    }
  });
}

async function run(line: Pick<Line, "changes" | "close">, report: (code: number) => void): Promise<void> {
  let last = 0;
  for await (const status of line.changes()) {
    if (status.epoch > MAX_EPOCH) {
      report(OVERFLOW);
      await line.close();
      return;
    }
    if (status.epoch > last) {
      last = status.epoch;
      report(last);
    }
    if (status.state === "disconnected") report(codeOf(status.reason));
  }
}

function tell(error: HoldfastError, onError: ((error: HoldfastError) => void) | undefined): void {
  try {
    onError?.(error);
  } catch {
    // A listener that throws harms nobody.
  }
}

function codeOf(reason: EndReason): number {
  return reason.code === "closed" ? CLOSED : GAVE_UP;
}
