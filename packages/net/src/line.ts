// What an application holds: a line, which keeps making links until it is told to stop.
import type {
  EndReason,
  Liveness,
  Policy,
  Random,
  Clock,
  Status,
  WakeReason,
  HoldfastError,
} from "@holdfast/core";
import type { Signal } from "./host.ts";
import type { Dial, Link } from "./link.ts";

export interface Line<L extends Link = Link> {
  /** Where the line stands now. Complete and never stale; times are wall-clock milliseconds. */
  readonly status: Status;
  /** The present link, while `connected`. */
  readonly link: L | undefined;
  /** The last heartbeats. */
  readonly liveness: Liveness;
  /**
   * The present status first, `disconnected` last. A reader that is slower than the line misses flips but never
   * the last one, and sees by the `epoch` that there were any. Each call has a cursor of its own.
   */
  changes(options?: { readonly signal?: Signal }): AsyncIterableIterator<Status>;
  /** The present liveness report first; ends with the line. */
  livenessChanges(options?: { readonly signal?: Signal }): AsyncIterableIterator<Liveness>;
  /**
   * The link, as soon as there is one.
   * @throws the line's last error (or `closed`) once it has ended; the signal's reason if that comes first.
   */
  ready(options?: { readonly signal?: Signal }): Promise<L>;
  /** Something changed: dial now instead of later, or make sure that the link is alive. Default `user`. */
  wake(reason?: WakeReason): void;
  /** A person has answered what `auth_required` asked for: dial. */
  answer(): void;
  /** Settles once, with the reason, however the line ends. Never rejects. */
  readonly closed: Promise<EndReason>;
  /** Stop at once, in any state. Safe to call again. */
  close(): Promise<EndReason>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where wakes come from: call `wake` when something changed, return a function that stops. */
export type WakeSource = (wake: (reason: WakeReason, addresses?: readonly string[]) => void) => () => void;

/** Fresh credentials for a dial. `refused` is the peer's refusal if the dial before this one ended with it. */
export type Credentials<C> =
  | { readonly static: C }
  | ((request: { readonly refused: HoldfastError | undefined; readonly signal: Signal }) => C | Promise<C>);

export interface RetryPlan {
  readonly attempt: number;
  readonly failures: number;
  readonly delayMs: number;
  readonly failure: HoldfastError;
}

export interface ConnectOptions<L extends Link, C = undefined> extends Policy {
  /** Make one link. */
  readonly dial: Dial<L, C>;
  /** What each dial is to present. `{ static: … }` can only be refused once. */
  readonly credentials?: Credentials<C>;
  /** Before each wait: return another delay in milliseconds, `false` to give up, or nothing to agree. */
  readonly retrying?: (plan: RetryPlan) => number | false | void;
  /** Ends the line when aborted. */
  readonly signal?: Signal;
  readonly wakes?: readonly WakeSource[];
  /** A listener threw, or a setting is doubtful. Default: nothing. */
  readonly onWarning?: (warning: HoldfastError) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. For jitter only. */
  readonly random?: Random;
}
