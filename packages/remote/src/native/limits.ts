// Everything that the two ends of a served machine keep or take, as one table of numbers.
import { HoldfastError } from "@holdfast/core";

export interface ServeLimits {
  /** Processes at a time. Default 64. */
  readonly processes: number;
  /** Ports that are listened on at a time. Default 16. */
  readonly listeners: number;
  /** Requests for files and facts that are under way at a time. Default 64. */
  readonly requests: number;
  /** Connections at a time, those that come by listeners included. Default 512. */
  readonly connections: number;
}

export const DEFAULT_SERVE_LIMITS: ServeLimits = {
  processes: 64,
  listeners: 16,
  requests: 64,
  connections: 512,
};

export interface SessionMachineLimits {
  /** Requests that are asked at a time; more wait for their turn. Default 64. */
  readonly requests: number;
  /** Requests that wait for their turn; more are refused. Default 4,096. */
  readonly waitingRequests: number;
}

export const DEFAULT_SESSION_MACHINE_LIMITS: SessionMachineLimits = { requests: 64, waitingRequests: 4_096 };

/** @throws HoldfastError `bad_config` (fatal) unless each is a whole number from 1 to 65,536. */
export function resolveLimits<T extends object>(defaults: T, given: Partial<T> = {}): T {
  const limits = { ...defaults, ...given };
  for (const [name, value] of Object.entries<unknown>(limits as Record<string, unknown>)) {
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_536) continue;
    const message = `${name} must be a whole number from 1 to 65536, not ${String(value)}`;
    throw new HoldfastError({ code: "bad_config", message, kind: "fatal", fault: "local" });
  }
  return limits;
}

/** Too many of something: it may work later. */
export function overLimit(what: string, most: number): HoldfastError {
  const message = `there are ${most} ${what} already, which is the limit`;
  const hint = `end some of them first, or raise the limit for ${what} where the machine is served`;
  return new HoldfastError({ code: "limit", message, hint, kind: "transient", fault: "peer" });
}
