// When a link that is up must be asked for a sign of life, and when it must be given up. DESIGN rules 19 to 22.
import type { Config } from "../config.ts";
import type { Instant } from "../ports.ts";
import { askAt, PROBE_MS, silentAt } from "./silence.ts";
import type { Up } from "./state.ts";

/** Whether there is any evidence to be had: a link that neither pings nor beats may be silent for good reason. */
export function watched(state: Up, config: Config): boolean {
  return config.heartbeat !== undefined && (state.link.pings || state.link.beats);
}

/** How long a probe waits. A peer that cannot be asked has until it would have spoken anyway. */
export function patienceMs(state: Up, config: Config): number {
  if (state.link.pings || config.heartbeat === undefined) return PROBE_MS;
  return Math.max(PROBE_MS, Math.min(config.heartbeat.intervalMs, config.heartbeat.timeoutMs));
}

/** From when on silence means death. */
export function deadAt(state: Up, config: Config): Instant {
  return config.heartbeat && watched(state, config) ? silentAt(state, config.heartbeat) : Infinity;
}

/** When the next heartbeat is due. */
export function pingDue(state: Up, config: Config): Instant {
  return config.heartbeat && state.link.pings ? askAt(state, config.heartbeat) : Infinity;
}

/** When data that does not move means death, even if pings pass. */
export function stuckAt(state: Up, config: Config): Instant {
  if (config.heartbeat === undefined || state.unackedBytes === 0) return Infinity;
  return state.movedAt + config.heartbeat.noProgressMs;
}
