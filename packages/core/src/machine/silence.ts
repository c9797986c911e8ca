// How long a link may be silent before it is asked for a sign of life, and before it is given up: one rule for those
// who dialled a link and those who accepted it.
import type { Instant } from "../ports.ts";

/** How long a link has to answer when something gives reason to doubt it, in milliseconds. */
export const PROBE_MS: number = 2_000;

/** While data is unacknowledged the peer is asked this soon. */
const BUSY_INTERVAL_MS = 3_000;

/** What is known of a link's silence. */
export interface Silence {
  /** When a byte last came. */
  readonly heardAt: Instant;
  /** When the peer was last asked for a sign of life. */
  readonly pingedAt: Instant;
  /** It is being doubted, and has until then to show that it lives. */
  readonly probeUntil: Instant | undefined;
  /** What the peer has not acknowledged: only whether there is any counts. */
  readonly unackedBytes: number;
  /** Since when there has been something to acknowledge, while there is. */
  readonly busySince: Instant;
}

/** How much silence is borne, in milliseconds. */
export interface Patience {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** The timeout while data is unacknowledged. */
  readonly busyTimeoutMs: number;
}

/** From when on silence means death: counted from the last byte, never from the ping. */
export function silentAt(silence: Silence, { timeoutMs, busyTimeoutMs }: Patience): Instant {
  const { heardAt, busySince, unackedBytes, probeUntil } = silence;
  // Whoever had nothing to answer until now has the whole time from now on.
  const busyAt = unackedBytes > 0 ? Math.max(heardAt, busySince) + busyTimeoutMs : Infinity;
  return probeUntil ?? Math.min(heardAt + timeoutMs, busyAt);
}

/** When the peer is to be asked next. */
export function askAt(silence: Silence, patience: Patience): Instant {
  const busy = silence.unackedBytes > 0;
  const timeoutMs = busy ? patience.busyTimeoutMs : patience.timeoutMs;
  const intervalMs = busy ? Math.min(patience.intervalMs, BUSY_INTERVAL_MS) : patience.intervalMs;
  // A timeout within the interval would cut every idle link before it was ever asked.
  return Math.max(silence.heardAt, silence.pingedAt) + (timeoutMs <= intervalMs ? timeoutMs / 3 : intervalMs);
}
