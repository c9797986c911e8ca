// When a link that is up must be asked for a sign of life, and when it must be given up. DESIGN rules 19 to 22.
import type { Config } from "../config.ts";
import type { Instant } from "../ports.ts";
import type { Up } from "./state.ts";

/** How long a link has to answer when something gives reason to doubt it. */
const PROBE_MS = 2_000;

/** While data is unacknowledged the peer is asked this soon. */
const BUSY_INTERVAL_MS = 3_000;

/** Whether there is any evidence to be had: a link that neither pings nor beats may be silent for good reason. */
export function watched(state: Up, config: Config): boolean {
  return config.heartbeat !== undefined && (state.link.pings || state.link.beats);
}

/** How long a probe waits. A peer that cannot be asked has until it would have spoken anyway. */
export function patienceMs(state: Up, config: Config): number {
  if (state.link.pings || config.heartbeat === undefined) return PROBE_MS;
  return Math.max(PROBE_MS, Math.min(config.heartbeat.intervalMs, config.heartbeat.timeoutMs));
}

/** From when on silence means death: counted from the last byte, never from the ping. */
export function deadAt(state: Up, config: Config): Instant {
  if (config.heartbeat === undefined || !watched(state, config)) return Infinity;
  const { timeoutMs, busyTimeoutMs } = config.heartbeat;
  // Whoever had nothing to answer until now has the whole time from now on.
  const busyAt = state.unackedBytes > 0 ? Math.max(state.heardAt, state.busySince) + busyTimeoutMs : Infinity;
  return state.probeUntil ?? Math.min(state.heardAt + timeoutMs, busyAt);
}

/** When the next heartbeat is due. */
export function pingDue(state: Up, config: Config): Instant {
  if (config.heartbeat === undefined || !state.link.pings) return Infinity;
  return Math.max(state.heardAt, state.pingedAt) + intervalOf(state, config.heartbeat);
}

/** When data that does not move means death, even if pings pass. */
export function stuckAt(state: Up, config: Config): Instant {
  if (config.heartbeat === undefined || state.unackedBytes === 0) return Infinity;
  return state.movedAt + config.heartbeat.noProgressMs;
}

function intervalOf(state: Up, heartbeat: NonNullable<Config["heartbeat"]>): number {
  const busy = state.unackedBytes > 0;
  const timeoutMs = busy ? heartbeat.busyTimeoutMs : heartbeat.timeoutMs;
  const intervalMs = busy ? Math.min(heartbeat.intervalMs, BUSY_INTERVAL_MS) : heartbeat.intervalMs;
  // A timeout within the interval would cut every idle link before it was ever asked.
  return timeoutMs <= intervalMs ? timeoutMs / 3 : intervalMs;
}
