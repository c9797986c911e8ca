// What is said while open streams may finish.
import { formatDuration, plural } from "./terminal/format.ts";
import type { Output } from "./terminal/output.ts";

const IMPATIENCE: Readonly<Record<string, string>> = {
  SIGINT: "; Ctrl-C again stops now",
  SIGTERM: "; Ctrl-C stops now",
};

/** `SIGINT: draining 1 open stream, at most 30.0 s; Ctrl-C again stops now` */
export function describeDrain(reason: string, what: string, timeoutMs: number): string {
  return `${reason}: draining ${what}, at most ${formatDuration(timeoutMs)}${IMPATIENCE[reason] ?? ""}`;
}

/** Say how many streams are cut when their time is over. Returns the function that ends this. */
export function tellOfCuts(
  streams: () => number,
  timeoutMs: number,
  output: Output,
  prefix = "",
): () => void {
  const timer = setTimeout(
    () => {
      const count = streams();
      if (count === 0) return;
      output.warn(
        `${prefix}${plural(count, "open stream")} cut, not done after ${formatDuration(timeoutMs)}`,
      );
    },
    Math.max(1, timeoutMs),
  );
  return () => clearTimeout(timer);
}
