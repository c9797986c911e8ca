// The floor under every dial, whatever jitter, hints or wakes say: 100 ms between two, ten in ten seconds.
// DESIGN rule 1. It is what keeps a peer that accepts and hangs up from being hammered.
import type { Instant } from "./ports.ts";

const GAP_MS = 100;
const BURST = 10;
const WINDOW_MS = 10_000;

/** The starts of the last dials, oldest first; never more than `BURST` of them. */
export type RecentDials = readonly Instant[];

/** When the next dial may begin. */
export function earliestDial(recent: RecentDials): Instant {
  const last = recent.at(-1);
  if (last === undefined) return -Infinity;
  const oldest = recent.length < BURST ? -Infinity : (recent[0] ?? -Infinity);
  return Math.max(last + GAP_MS, oldest + WINDOW_MS);
}

export function recordDial(recent: RecentDials, now: Instant): RecentDials {
  return [...recent.slice(1 - BURST), now];
}
