// What the command needs of a tunnel to show it, whichever dialect it speaks: one target, its state, its end.
import type { StreamFate } from "@holdfast/control";
import type { EndReason, Status } from "@holdfast/core";
import type { Endpoint } from "@holdfast/net/node";

export interface TunnelView {
  readonly target: Endpoint;
  readonly status: Status;
  /** The present status first, `disconnected` last. */
  changes(): AsyncIterableIterator<Status>;
  /** Where visitors go, last as known. */
  readonly publicEndpoint: { readonly host: string; readonly port: number } | undefined;
  /** Visitors now. */
  readonly streams: number;
  /** What became of the visitors that were there when the last outage began; nothing where they do not notice. */
  streamFate?(): StreamFate;
  /** Settles when the target is lost for good, or given up as asked. */
  readonly ended: Promise<EndReason>;
  /** Dial now. */
  reconnect(): void;
  /** Give the address up and let visitors finish. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}
