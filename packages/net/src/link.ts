// The contract between a line and a transport: how a link is made (`Dial`), what it can do (`Link`), and what
// it reports while it lives (`Attempt`). A transport of your own is one function of type `Dial`.
import type { HoldfastError } from "@holdfast/core";
import type { Signal } from "./host.ts";

/** One live transport connection. Whatever else your object has on it, the line passes through untouched. */
export interface Link {
  /** End it, at once and for good. Called once by the line, also when the link was lost. Must not throw. */
  close(reason?: HoldfastError): void;
  /** Ask the peer for a sign of life. Any byte that comes (`attempt.heard()`) counts as the answer. */
  ping?(): void | Promise<void>;
  /** The peer speaks by itself at least once each heartbeat interval, so silence alone is evidence. */
  readonly beats?: boolean;
  /** A failed `ping` may leave the link alive (message transports, plugin channels). On byte streams it does not. */
  readonly survivesPingFailure?: boolean;
  /** The address at this end; the line hangs up when it leaves the machine. */
  readonly localAddress?: string | undefined;
  /** The window, in milliseconds, over which the peer wants its clients to return if it ends the link. */
  readonly reconnectWindowMs?: number | undefined;
}

/** One attempt to make a link, and afterwards that link's way to report. Reports of an old link are ignored. */
export interface Attempt<C = unknown> {
  /** Aborted when the dial is cancelled or takes too long, and when the link has ended. */
  readonly signal: Signal;
  /** The number of this dial within the outage, from 1. */
  readonly attempt: number;
  /** The epoch that this link will have if it comes up. */
  readonly epoch: number;
  /** What the credentials provider gave for this dial. */
  readonly credential: C | undefined;
  /** The last peer met here was not ours: verify who it is before sending anything secret. */
  readonly suspect: boolean;
  /** A byte came. Cheap: call it for every chunk. */
  readonly heard: () => void;
  /** The link has ended. `undefined` or an error of `fault: "peer"` means that the peer ended it. */
  readonly lost: (cause?: unknown) => void;
  /** The peer announced that it will end this link, and over how many milliseconds its clients should return. */
  readonly draining: (windowMs?: number) => void;
  /** Bytes handed over and not yet acknowledged, and a count that grows whenever any of them moves. */
  readonly progress: (unackedBytes: number, movedBytes: number) => void;
}

/** Make a link. Resolve when the handshake is complete; reject with anything (see `HoldfastError.from`). */
export type Dial<L extends Link = Link, C = unknown> = (attempt: Attempt<C>) => Promise<L>;
