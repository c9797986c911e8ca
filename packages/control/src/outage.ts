// From a line's successive statuses to the evidence of each outage: how long it was away, how soon the loss was
// noticed, how many dials it took. A pure step, so that the command, the events and the demo say the same.
import type { Status } from "@holdfast/core";

export interface Outage extends StreamFate {
  /** From the loss of the link to the next `connected`, in milliseconds. */
  readonly awayMs: number;
  /** From the last byte of the peer to the loss of the link. */
  readonly noticedAfterMs: number | undefined;
  /** Dials, the one that succeeded included. */
  readonly attempts: number;
  /** When the link was lost, on the clock of the statuses. */
  readonly lostAt: number;
}

/** What became of the streams that were open when the link was lost. Absent where they do not depend on it. */
export interface StreamFate {
  readonly streamsResumed?: number | undefined;
  readonly streamsLost?: number | undefined;
}

/** What has to be remembered between two statuses. */
export interface OutageTracker {
  /** Of the last link that was seen connected; 0 before the first. */
  readonly epoch: number;
  readonly lastHeard: number | undefined;
  readonly lost: Loss | undefined;
}

interface Loss {
  readonly at: number;
  readonly noticedAfterMs: number | undefined;
  readonly attempts: number;
}

export const NO_OUTAGE: OutageTracker = { epoch: 0, lastHeard: undefined, lost: undefined };

/** Advance by one status. `outage` is there when this status ends one. The start of a line is not counted. */
export function trackOutage(
  tracker: OutageTracker,
  status: Status,
): { readonly tracker: OutageTracker; readonly outage: Outage | undefined } {
  switch (status.state) {
    case "connected":
      return {
        tracker: { epoch: status.epoch, lastHeard: status.lastHeard, lost: undefined },
        outage: outageBefore(tracker, status),
      };
    case "reconnecting":
    case "auth_required":
      return { tracker: away(tracker, status), outage: undefined };
    case "connecting":
    case "disconnected":
      return { tracker, outage: undefined };
  }
}

function away(tracker: OutageTracker, status: Status): OutageTracker {
  if (tracker.epoch === 0) return tracker;
  // `since` moves on with each phase of the outage, so the first one is kept.
  const lost = tracker.lost ?? {
    at: status.since,
    noticedAfterMs: status.lastHeard === undefined ? undefined : Math.max(0, status.since - status.lastHeard),
    attempts: 0,
  };
  return { ...tracker, lost: { ...lost, attempts: Math.max(lost.attempts, status.attempt) } };
}

function outageBefore(tracker: OutageTracker, status: Status): Outage | undefined {
  if (tracker.epoch === 0 || status.epoch === tracker.epoch) return undefined;
  // Only the epoch tells of an outage that was over before anybody looked: then the last sign of life before it
  // is the earliest that it can have begun.
  const lost = tracker.lost ?? {
    at: tracker.lastHeard ?? status.since,
    noticedAfterMs: undefined,
    attempts: 1,
  };
  return {
    awayMs: Math.max(0, status.since - lost.at),
    noticedAfterMs: lost.noticedAfterMs,
    attempts: Math.max(1, lost.attempts),
    lostAt: lost.at,
  };
}
