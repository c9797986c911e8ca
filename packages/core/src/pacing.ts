// The floor under every dial, whatever jitter, hints or wakes say: 100 ms between two, ten in ten seconds.
// DESIGN rule 1. It is what keeps a peer that accepts and hangs up from being hammered.
import type { Instant } from "./ports.ts";

const GAP_MS = 100;
const BURST = 10;
/** So many may follow each other as the delays have it. */
const FREE = 4;
const WINDOW_MS = 10_000;

/** The starts of the last dials, oldest first; never more than `BURST` of them. */
export type RecentDials = readonly Instant[];

/** When the next dial may begin, whoever asks for it. */
export function earliestDial(recent: RecentDials): Instant {
  const last = recent.at(-1);
  if (last === undefined) return -Infinity;
  const oldest = recent.length < BURST ? -Infinity : (recent[0] ?? -Infinity);
  return Math.max(last + GAP_MS, oldest + WINDOW_MS);
}

/**
 * When the next dial that nobody asked for may begin: after a burst of four, what is left of the ten is spread over
 * what is left of the ten seconds. Spent at once, it would leave a hole of several seconds in which a peer that is
 * back waits for us, however short the delays were told to be.
 */
export function earliestRetry(recent: RecentDials): Instant {
  const last = recent.at(-1) ?? -Infinity;
  const window = recent.filter((at) => at > last - WINDOW_MS);
  const earliest = earliestDial(recent);
  if (window.length <= FREE) return earliest;
  const leftMs = (window[0] ?? last) + WINDOW_MS - last;
  return Math.max(earliest, last + leftMs / (BURST + 1 - window.length));
}

export function recordDial(recent: RecentDials, now: Instant): RecentDials {
  return [...recent.slice(1 - BURST), now];
}
