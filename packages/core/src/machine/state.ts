// What the reconnect machine remembers. A state holds only what exists in it; what outlives a change of state
// is in its memory.
import type { HoldfastError } from "../failure.ts";
import type { RecentDials } from "../pacing.ts";
import type { Instant } from "../ports.ts";
import type { EndReason, Liveness } from "../status.ts";

export interface Memory {
  readonly epoch: number;
  /** Dials begun in this outage. */
  readonly attempt: number;
  readonly failures: number;
  /** Refusals by a live peer without a hint, since the last stable link: each doubles the cap. */
  readonly refusals: number;
  /** Delays taken from the schedule since the last reset. */
  readonly drawn: number;
  /** The id of the last dial. */
  readonly dial: number;
  readonly recentDials: RecentDials;
  /** The first loss since the last stable link; the give-up budget runs from it. */
  readonly lostAt: Instant | undefined;
  /** The peer's refusal, if the last dial or link ended with one: the next credential is fetched because of it. */
  readonly refused: HoldfastError | undefined;
  readonly failure: HoldfastError | undefined;
  readonly lastHeard: Instant | undefined;
  /** The heartbeats of the last link. */
  readonly liveness: Liveness;
  /** Who was met last was not our peer; only a link proves otherwise. */
  readonly suspect: boolean;
  /** The last wake that nobody asked for; a dial that began before it may be talking to a network that is gone. */
  readonly changedAt: Instant;
  /** The last dial that a wake restarted. */
  readonly restartedAt: Instant;
  /** A wake came, or time was lost: one more dial before giving up. */
  readonly grace: boolean;
  /** When the present state began. */
  readonly since: Instant;
}

interface Remembering {
  readonly memory: Memory;
}

export interface Idle extends Remembering {
  readonly at: "idle";
}

export interface Waiting extends Remembering {
  readonly at: "waiting";
  readonly retryAt: Instant;
  /** The peer asked not to be called before this; -Infinity if it did not. */
  readonly notBefore: Instant;
}

export interface Dialing extends Remembering {
  readonly at: "dialing";
  readonly startedAt: Instant;
  readonly expiresAt: Instant;
}

export interface Up extends Remembering {
  readonly at: "up";
  readonly link: LinkTraits;
  readonly stable: boolean;
  readonly draining: { readonly windowMs: number | undefined } | undefined;
  readonly heardAt: Instant;
  readonly pingedAt: Instant;
  /** A ping went out and nothing was heard since. */
  readonly pingOut: boolean;
  readonly pingFailures: number;
  /** A probe runs: without a byte until then the link is dead. */
  readonly probeUntil: Instant | undefined;
  readonly unackedBytes: number;
  /** Since when there has been unacknowledged data. */
  readonly busySince: Instant;
  readonly movedBytes: number;
  /** When unacknowledged data last moved, or began to exist. */
  readonly movedAt: Instant;
}

export interface AuthRequired extends Remembering {
  readonly at: "auth_required";
  readonly prompt: string;
}

export interface Ended extends Remembering {
  readonly at: "ended";
  readonly reason: EndReason;
}

export type MachineState = Idle | Waiting | Dialing | Up | AuthRequired | Ended;

/** What the machine has to know of a link. */
export interface LinkTraits {
  /** It can ask the peer for a sign of life. */
  readonly pings: boolean;
  /** The peer speaks by itself. */
  readonly beats: boolean;
  /** A failed ping leaves it alive. */
  readonly survivesPingFailure: boolean;
  /** The first-retry window that the peer announced in its handshake. */
  readonly windowMs: number | undefined;
}

export const initialState: Idle = {
  at: "idle",
  memory: {
    epoch: 0,
    attempt: 0,
    failures: 0,
    refusals: 0,
    drawn: 0,
    dial: 0,
    recentDials: [],
    lostAt: undefined,
    refused: undefined,
    failure: undefined,
    lastHeard: undefined,
    liveness: { outcome: "unknown" },
    suspect: false,
    changedAt: -Infinity,
    restartedAt: -Infinity,
    grace: false,
    since: 0,
  },
};
