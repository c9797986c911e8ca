// Everything that a relay of native tunnels bounds, and the defaults. Checked before anything is kept.
import { HoldfastError } from "@holdfast/core";
import { checkLimits } from "../../relay/check-limits.ts";

/** What a relay of native tunnels bounds. */
export interface TunnelRelayLimits {
  /** Connections from one address: sessions, and those that have not said yet what they are. */
  readonly connectionsPerAddress: number;
  /** Connections from one address whose handshake is not done. */
  readonly unauthenticatedPerAddress: number;
  /** Wrong secrets from one address within a minute; above it, its connections are dropped unheard. */
  readonly failedAuthenticationsPerMinute: number;
  /** Addresses that are counted at the same time; a further one is dropped. */
  readonly addresses: number;
  /** Connections in all whose handshake is not done. */
  readonly handshakes: number;
  /** How long a handshake may take, in milliseconds. */
  readonly handshakeMs: number;
  /** Sessions from one address, those without a link included. */
  readonly sessionsPerAddress: number;
  /** Sessions in all. */
  readonly sessions: number;
  /** Sessions that are begun a second; those beyond it wait. */
  readonly handshakesPerSecond: number;
  /** How long a session may wait for its turn, in milliseconds; those beyond it are told when to come back. */
  readonly queueMs: number;
  /** How long a lease outlives its owner's presence, and a session its last link, in milliseconds. At most 24 h. */
  readonly leaseMs: number;
  /** Leases in all. */
  readonly leases: number;
  /** Leases of one owner, or of one session without an owner key. */
  readonly targetsPerOwner: number;
  /**
   * Leases that clients from one address have made and that have not ended; for IPv6 an address is a network of 64
   * bits. Those of this machine (loopback, unix sockets) do not count. `Infinity`: no such limit.
   */
  readonly leasesPerAddress: number;
  /** Visitors of one port that are parked; the next one is reset. */
  readonly parkedPerTarget: number;
  /** Visitors of all ports that are parked; the next one is reset. */
  readonly parked: number;
  /** How long a visitor is parked, in milliseconds; then it is reset. */
  readonly parkedMs: number;
  /** Visitors of one session at the same time; the next one is parked. */
  readonly streamsPerSession: number;
  /** How long the present holder of a port has to answer when another program of its owner wants it, in milliseconds. */
  readonly probeMs: number;
}

export const DEFAULT_TUNNEL_RELAY_LIMITS: TunnelRelayLimits = {
  connectionsPerAddress: 100,
  unauthenticatedPerAddress: 20,
  failedAuthenticationsPerMinute: 10,
  addresses: 65_536,
  handshakes: 4_096,
  handshakeMs: 10_000,
  sessionsPerAddress: 32,
  sessions: 10_000,
  handshakesPerSecond: 500,
  queueMs: 1_500,
  leaseMs: 900_000,
  leases: 10_000,
  targetsPerOwner: 16,
  leasesPerAddress: 256,
  parkedPerTarget: 64,
  parked: 4_096,
  parkedMs: 30_000,
  streamsPerSession: 1_024,
  probeMs: 2_000,
};

const MOST_LEASE_MS = 86_400_000;

/** @throws HoldfastError `bad_config` for a limit that is not a number above 0, or a lease of more than 24 h. */
export function resolveTunnelLimits(given: Partial<TunnelRelayLimits> = {}): TunnelRelayLimits {
  const limits = checkLimits({ ...DEFAULT_TUNNEL_RELAY_LIMITS, ...given });
  if (limits.leaseMs <= MOST_LEASE_MS) return limits;
  throw new HoldfastError({
    code: "bad_config",
    message: `limits.leaseMs must be at most ${MOST_LEASE_MS} (24 h), not ${limits.leaseMs}`,
    kind: "fatal",
    fault: "local",
  });
}
