// At its end Node puts terminals back as it found them, and aborts when one is gone. A stream that is closed is left
// alone, so the streams of a terminal that is gone are closed before that.
import { closeSync } from "node:fs";
import { isatty } from "node:tty";

const STREAMS = [0, 1, 2] as const;

/** Call this at the start, while the terminal is still there to be seen. */
export function closeDeadTerminalAtExit(): void {
  const terminals = STREAMS.filter((stream) => isatty(stream));
  if (terminals.length === 0) return;
  process.on("exit", () => {
    for (const stream of terminals) {
      if (isatty(stream)) continue;
      try {
        closeSync(stream);
      } catch {
        // It was closed already.
      }
    }
  });
}
