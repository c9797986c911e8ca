// What a relay of native tunnels tells, and how it stands.
import type { HoldfastError } from "@holdfast/core";
import type { RelayStatus, TunnelInfo } from "../../relay/status.ts";

/** Why a tunnel ended. */
export type NativeTunnelEnd =
  /** The client gave the port back, or ended its session. */
  | "client_left"
  /** The session was lost, or its client did not come back in time. */
  | "session_lost"
  /** Another program of the same owner has the port now. */
  | "replaced"
  | "relay_closed";

/** What happens at a relay of native tunnels. */
export type TunnelRelayEvent =
  | { readonly type: "tunnel_opened"; readonly port: number; readonly remoteAddress: string }
  | {
      readonly type: "tunnel_closed";
      readonly port: number;
      readonly remoteAddress: string;
      readonly reason: NativeTunnelEnd;
    }
  /** The client has no link: its visitors are parked until it is back. */
  | { readonly type: "tunnel_away"; readonly port: number; readonly remoteAddress: string }
  | { readonly type: "tunnel_back"; readonly port: number; readonly remoteAddress: string }
  /** A connection or a bind was refused; `reason` is a code. */
  | { readonly type: "refused"; readonly remoteAddress: string; readonly reason: string }
  /** A visitor was reset before a client took it. */
  | {
      readonly type: "visitor_reset";
      readonly port: number;
      readonly reason: "not_taken" | "too_many" | "relay_closed" | "tunnel_closed";
    }
  /** Something at this end went wrong, and the relay goes on. */
  | { readonly type: "warning"; readonly error: HoldfastError };

/** A tunnel as the relay sees it now. */
export interface NativeTunnelInfo extends TunnelInfo {
  /** What is exposed, in the client's words. */
  readonly target: string;
  /** Whether the client has a link. */
  readonly attached: boolean;
  readonly generation: number;
}

/** A promise of the relay's: this port is this owner's. */
export interface LeaseInfo {
  readonly port: number;
  /** Absent: the lease ends with its session. */
  readonly ownerId: string | undefined;
  readonly target: string;
  readonly generation: number;
  /** When it ends, in milliseconds since 1970 UTC; absent while a session has it. */
  readonly until: number | undefined;
}

/** A relay of native tunnels as it stands now. */
export interface TunnelRelayStatus extends RelayStatus {
  readonly tunnels: readonly NativeTunnelInfo[];
  readonly leases: readonly LeaseInfo[];
}
