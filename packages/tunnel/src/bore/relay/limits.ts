// Everything that a relay bounds, and the defaults. Checked before anything is kept.
import { checkLimits } from "../../relay/check-limits.ts";

export interface RelayLimits {
  /** Connections from one address: tunnels, and those that have not said yet what they are. */
  readonly connectionsPerAddress: number;
  /** Connections from one address that have not said yet what they are, visitors that wait for it not counted. */
  readonly unauthenticatedPerAddress: number;
  /** Wrong secrets from one address within a minute; above it, its connections are dropped unheard. */
  readonly failedAuthenticationsPerMinute: number;
  /** Addresses that are counted at the same time; a further one is dropped. */
  readonly addresses: number;
  /** How long a connection may take until it has said what it is, in milliseconds. */
  readonly handshakeMs: number;
  /** Tunnels from one address. */
  readonly tunnelsPerAddress: number;
  /** Tunnels in all. */
  readonly tunnels: number;
  /** Connections in all that have not said yet what they are. */
  readonly handshakes: number;
  /** Visitors of one tunnel that wait for the client to take them; the next one is reset. */
  readonly pendingVisitorsPerTunnel: number;
  /** Visitors of one tunnel, those that wait included; the next one is reset. */
  readonly visitorsPerTunnel: number;
  /** Bytes that a client has not read yet from its control connection; above it, the client is lost. */
  readonly controlBufferBytes: number;
  /** How long a visitor waits for the client to take it, in milliseconds. */
  readonly pendingVisitorMs: number;
  /** Tunnels that are opened a second; those beyond it wait. */
  readonly handshakesPerSecond: number;
  /** How long a tunnel may wait for its turn, in milliseconds; those beyond it are told when to come back. */
  readonly queueMs: number;
  /** How long a connection that was refused may take to read why, in milliseconds. */
  readonly farewellMs: number;
}

export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  connectionsPerAddress: 100,
  unauthenticatedPerAddress: 20,
  failedAuthenticationsPerMinute: 10,
  addresses: 65_536,
  handshakeMs: 10_000,
  tunnelsPerAddress: 100,
  tunnels: 10_000,
  handshakes: 4_096,
  pendingVisitorsPerTunnel: 1_024,
  visitorsPerTunnel: 4_096,
  controlBufferBytes: 65_536,
  pendingVisitorMs: 10_000,
  handshakesPerSecond: 500,
  queueMs: 1_500,
  farewellMs: 1_000,
};

/** @throws HoldfastError `bad_config` for a limit that is not a number above 0. `Infinity` takes a limit away. */
export function resolveLimits(given: Partial<RelayLimits> = {}): RelayLimits {
  return checkLimits({ ...DEFAULT_RELAY_LIMITS, ...given });
}
