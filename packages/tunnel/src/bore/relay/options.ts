// What a relay can be told, and what it tells.
import type { Clock, HoldfastError, Random } from "@holdfast/core";
import type { Endpoint } from "@holdfast/net/node";
import type { RelayStatus, TunnelInfo } from "../../relay/status.ts";
import type { RelayLimits } from "./limits.ts";
import type { TunnelEnd } from "./tunnel.ts";

/** The port of the bore protocol. Real clients know no other. */
export const BORE_PORT = 7835;

export interface BoreRelayOptions {
  /** The address that clients connect to. Default `127.0.0.1`. */
  readonly bind?: string;
  /** The port that clients connect to; 0 is any. Default 7835. */
  readonly port?: number;
  /** The least and the greatest port that is given to tunnels. Default 1024 to 65535. */
  readonly ports?: readonly [number, number];
  /** The address that visitors connect to. Default: as `bind`. */
  readonly tunnelBind?: string;
  /** Clients must know it. An empty one counts. Default: none. */
  readonly secret?: string | undefined;
  /** Without a secret, let clients of other machines in all the same. Default `false`. */
  readonly anonymous?: boolean;
  readonly limits?: Partial<RelayLimits>;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** For ports and hints, never for secrets. Default: the machine's. */
  readonly random?: Random;
  /** Called in passing; what it throws is ignored. */
  readonly onEvent?: (event: RelayEvent) => void;
}

export type RelayEvent =
  | { readonly type: "tunnel_opened"; readonly port: number; readonly remoteAddress: string }
  | {
      readonly type: "tunnel_closed";
      readonly port: number;
      readonly remoteAddress: string;
      readonly reason: TunnelEnd;
    }
  /** A connection was dropped or sent away; `reason` is the text that it was given, or a code. */
  | { readonly type: "refused"; readonly remoteAddress: string; readonly reason: string }
  /** A visitor was reset before a client took it. */
  | {
      readonly type: "visitor_reset";
      readonly port: number;
      readonly reason: "not_taken" | "too_many" | "relay_closed";
    }
  /** Something at this end went wrong, and the relay goes on. */
  | { readonly type: "warning"; readonly error: HoldfastError };

export interface BoreRelay {
  /** Where it listens, with the real port. */
  readonly endpoint: Endpoint;
  /** The tunnels that are open now, by port. */
  readonly tunnels: readonly TunnelInfo[];
  /** The present status first; a slow reader misses those in between; ends with the relay. */
  changes(): AsyncIterableIterator<RelayStatus>;
  /** Whoever comes from now on must know this secret; those who are here stay. */
  useSecret(secret: string): void;
  /**
   * Take no tunnel and no visitor any more, let those that are there finish, then close. Clients see their tunnel
   * end last of all. Resolves when everything is closed, at most `timeoutMs` (default 30,000) later.
   */
  drain(timeoutMs?: number): Promise<void>;
  /** Close everything now. Visitors are reset. Safe to call again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
