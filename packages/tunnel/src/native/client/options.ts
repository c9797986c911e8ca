// What a native tunnel can be told, what it tells, and how it stands.
import type { Clock, EndReason, HoldfastError, Policy, Random } from "@holdfast/core";
import type { SessionLimits } from "@holdfast/core/session";
import type { Attempt, ByteLink, ConnectOptions, Line, WakeSource } from "@holdfast/net";
import type { Endpoint } from "@holdfast/net/node";
import type { SessionCrypto, SessionLink } from "@holdfast/net/session";
import type { TargetPhase } from "./binder.ts";

/** One thing that is exposed. */
export interface TunnelTarget {
  /** Where visitors end up: an endpoint, or a text for `parseTarget`. */
  readonly target: Endpoint | string;
  /** The public port; 0 (default) is the one that this target had before, or any. */
  readonly port?: number;
  /** By what name the relay finds the port again. Default: the target itself. At most 255 bytes. */
  readonly label?: string;
  /** Take the port even from a living program of the same owner, once. Default `false`. */
  readonly force?: boolean;
}

export interface TunnelOptions extends Policy {
  /** Make a link to the relay: `tcp`, `tls`, `webSocket` … of `@holdfast/net/node`. */
  readonly dial: (attempt: Attempt) => Promise<ByteLink>;
  /** The relay's host, shown with public ports unless the relay says where it is reached. */
  readonly relayHost: string;
  /** What is exposed; at least one. */
  readonly targets: readonly TunnelTarget[];
  /** Whose the ports are, 32 bytes. Without it a port is lost with its session. */
  readonly ownerKey?: Uint8Array | undefined;
  /** The shared secret of the relay. */
  readonly secret?: string | undefined;
  /** Visitors of all targets at the same time; the relay parks more. Default 1,024. */
  readonly maxStreams?: number;
  /** How long a target may take to accept a visitor's connection, in milliseconds. Default 10,000. */
  readonly targetTimeoutMs?: number;
  /** Called in passing; what it throws is ignored. */
  readonly onEvent?: (event: NativeTunnelEvent) => void;
  readonly wakes?: readonly WakeSource[];
  /** As for `connect`. */
  readonly failFast?: boolean | ((failure: HoldfastError) => boolean);
  readonly retrying?: NonNullable<ConnectOptions<SessionLink>["retrying"]>;
  readonly signal?: AbortSignal;
  readonly sessionLimits?: Partial<SessionLimits>;
  /** Default: Node's. */
  readonly crypto?: SessionCrypto;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** For jitter only. Default: the machine's. */
  readonly random?: Random;
}

/** How a target stands. */
export interface TargetStatus {
  /** From 1, in the order in which they were given. */
  readonly id: number;
  readonly target: Endpoint;
  readonly label: string;
  readonly phase: TargetPhase;
  /** Where its visitors go, last as known; `undefined` until the relay first gave a port. */
  readonly publicEndpoint: { readonly host: string; readonly port: number } | undefined;
  /** Visitors now. */
  readonly streams: number;
}

/** What became of the streams of the last outage. */
export interface StreamsAfterOutage {
  /** They went on where they had stopped. */
  readonly streamsResumed: number;
  /** They were reset, because their session was gone. */
  readonly streamsLost: number;
}

/** What happens to a native tunnel. `targetId` is `TargetStatus.id`. */
export type NativeTunnelEvent =
  /** The target has this public port now; `previous` is the one that it had before, if it had another. */
  | {
      readonly type: "port";
      readonly targetId: number;
      readonly port: number;
      readonly previous: number | undefined;
    }
  /** The relay refused the port; asked for again unless the failure is fatal. */
  | { readonly type: "refused"; readonly targetId: number; readonly failure: HoldfastError }
  /** Another program of this owner has the port now. It is never asked for again. */
  | { readonly type: "replaced"; readonly targetId: number }
  | { readonly type: "visitor_opened"; readonly visitor: number; readonly targetId: number }
  | {
      readonly type: "visitor_closed";
      readonly visitor: number;
      readonly targetId: number;
      readonly bytesIn: number;
      readonly bytesOut: number;
      /** What broke the stream, if it did not end by itself. */
      readonly error: HoldfastError | undefined;
    }
  /** There never was a connection to the target. */
  | {
      readonly type: "visitor_failed";
      readonly visitor: number;
      readonly targetId: number;
      readonly error: HoldfastError;
    }
  /** The line is back, and every stream went on. */
  | { readonly type: "resumed"; readonly streams: number }
  /** The line is back, but the session was gone: its streams were reset, and the ports are asked for again. */
  | { readonly type: "session_lost"; readonly streams: number; readonly error: HoldfastError | undefined }
  | { readonly type: "warning"; readonly warning: HoldfastError };

/** Targets that are exposed through a relay, over one session. */
export interface NativeTunnel {
  /** The line that keeps the session: its status, its changes, its end. */
  readonly line: Line<SessionLink>;
  readonly targets: readonly TargetStatus[];
  /** The present look first; a slow reader misses those in between; ends with the tunnel. */
  changes(): AsyncIterableIterator<readonly TargetStatus[]>;
  /**
   * Resolves when each target has its port, or has been refused for good.
   * @throws HoldfastError why the tunnel ended, if it did.
   */
  ready(): Promise<readonly TargetStatus[]>;
  /** Visitors now. They go on while the line reconnects. */
  readonly streams: number;
  /** What became of the streams of the last outage; both 0 before the first. */
  readonly afterOutage: StreamsAfterOutage;
  /** Settles once: as the line, or with what the relay said when no target is left. Never rejects. */
  readonly ended: Promise<EndReason>;
  /**
   * Give the port of one target up, let its visitors finish for at most `timeoutMs` (default 30,000), then reset the
   * rest of them. The other targets go on; with the last one the tunnel ends, as by `drain`. Unknown ids do nothing.
   */
  release(targetId: number, timeoutMs?: number): Promise<void>;
  /** Give the ports up, let the visitors finish for at most `timeoutMs` (default 30,000), then reset the rest. */
  drain(timeoutMs?: number): Promise<void>;
  /** Give the ports up and reset all visitors now. Safe to call again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
