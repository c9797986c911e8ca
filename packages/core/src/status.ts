// What a line says of itself: complete, level-triggered, in one vocabulary for library, wire and output.
import type { HoldfastError } from "./failure.ts";

export type LineState = Status["state"];

/** Why a line ended. */
export interface EndReason {
  readonly code:
    /** `close()` or an aborted signal. */
    | "closed"
    /** A fatal failure, or the first dial failed under `failFast`. */
    | "failed"
    /** The peer gave our place to a newer instance; coming back would start a fight. */
    | "replaced"
    /** `maxAttempts` or `giveUpAfterMs` ran out. */
    | "gave_up"
    /** The `retrying` hook said no. */
    | "vetoed"
    /** `reconnect: false`, and the link was lost or not made. */
    | "not_reconnecting";
  /** The real last error. Absent only after a clean `close()`. */
  readonly error: HoldfastError | undefined;
  /** Consecutive failures at the end. */
  readonly failures: number;
}

interface Common {
  /** Links so far, this one included while `connected`. */
  readonly epoch: number;
  /** The number of the present or next dial within this outage, from 1; 0 while `connected`. */
  readonly attempt: number;
  /** Consecutive failed or unstable links; reset after `stableAfterMs` connected. */
  readonly failures: number;
  /** When this state began. */
  readonly since: number;
  /** When the peer was last heard, on whichever link. */
  readonly lastHeard: number | undefined;
  /** The last thing that went wrong. */
  readonly failure: HoldfastError | undefined;
  /** The peer has announced that it will end this link. */
  readonly draining: boolean;
}

/** Times are milliseconds: monotonic inside the engine, wall clock (since 1970 UTC) where a line shows them. */
export type Status = Common &
  (
    | { readonly state: "connecting" | "reconnecting"; readonly phase: "dialing" }
    | {
        readonly state: "connecting" | "reconnecting";
        readonly phase: "waiting";
        /** How long the wait is in all. */
        readonly delayMs: number;
        /** When the next dial begins, unless a wake comes first. */
        readonly retryAt: number;
      }
    | { readonly state: "connected" }
    | { readonly state: "auth_required"; /** What a person has to answer. */ readonly prompt: string }
    | { readonly state: "disconnected"; readonly reason: EndReason }
  );

/** The last heartbeats, a watch of their own beside the status. */
export type Liveness =
  | { readonly outcome: "not_configured" }
  /** Nothing to report yet on this link. */
  | { readonly outcome: "unknown" }
  | { readonly outcome: "succeeded" | "failed"; /** How many in a row. */ readonly count: number };

/** Who or what woke the line. Only a user's wake dials at once, or shortens a wait that the peer asked for. */
export type WakeReason = "user" | "network" | "sleep" | "online" | "visible";
