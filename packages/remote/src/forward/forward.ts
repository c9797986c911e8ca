// What a forward is: a port here or there whose connections go over a machine, for as long as the connection exists.
//
//   listening   its port is open, and there is a link.
//   waiting     there is no link. A port of this machine stays open: who comes waits for the link, `waitMs` at most and
//               `maxWaiting` at a time. A port of the far side is gone with the link, and is made again with the next.
//   failed      the far side refused the port; it is asked again every `retryMs`, and on each new link at once.
//   closed      the end: asked for, or the connection was closed.
//
// Over a link that is lost, streams end as broken (reset), never as complete; over a link that is replaced they go on.
import type { Clock, HoldfastError } from "@holdfast/core";
import type { Endpoint } from "@holdfast/net/node";

export interface ForwardStatus {
  readonly state: "listening" | "waiting" | "failed" | "closed";
  /** Where it listens, or listened last; undefined before a far port was ever open. */
  readonly address: Endpoint | undefined;
  /** Connections through it now. */
  readonly connections: number;
  /** Those of them that wait for a link. */
  readonly waiting: number;
  /** What last went wrong: with the port, or with one of its connections. */
  readonly failure: HoldfastError | undefined;
}

export interface Forward {
  readonly status: ForwardStatus;
  /** The present status first, `closed` last. A slow reader misses changes in between. */
  changes(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<ForwardStatus>;
  /** Close the port and reset its connections. Safe to call again. */
  close(): Promise<void>;
}

/** Times are milliseconds. */
export interface ForwardLimits {
  /** Connections at a time; more are reset. Default 1,024. */
  readonly maxConnections: number;
  /** How many may wait for a link; more are reset. Default 64. */
  readonly maxWaiting: number;
  /** How long one waits for a link. Default 30,000. */
  readonly waitMs: number;
  /** How long the target may take to answer. Default 30,000. */
  readonly connectMs: number;
  /** How long a SOCKS client may take to say where it wants to go. Default 10,000. */
  readonly greetingMs: number;
  /** How long until a refused far port is asked for again. Default 5,000. */
  readonly retryMs: number;
}

export interface ForwardSettings {
  readonly limits?: Partial<ForwardLimits>;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

export const FORWARD_LIMITS: ForwardLimits = {
  maxConnections: 1_024,
  maxWaiting: 64,
  waitMs: 30_000,
  connectMs: 30_000,
  greetingMs: 10_000,
  retryMs: 5_000,
};
