// How a relay of native tunnels stands, put together from what it keeps.
import type { Clock } from "@holdfast/core";
import type { RelayClient } from "./client.ts";
import type { Lease } from "./lease.ts";
import type { LeaseInfo, NativeTunnelInfo, TunnelRelayStatus } from "./options.ts";
import type { ParkedVisitors } from "./parked-visitors.ts";

export interface RelayParts {
  readonly draining: boolean;
  readonly leases: Iterable<Lease>;
  readonly clients: ReadonlyMap<string, RelayClient>;
  readonly parked: ParkedVisitors;
  readonly clock: Clock;
}

/** Tunnels and leases, each by port. */
export function relayStatus({ draining, leases, clients, parked, clock }: RelayParts): TunnelRelayStatus {
  const sorted = [...leases].sort((a, b) => a.port - b.port);
  const ahead = clock.wall() - clock.mono();
  return {
    draining,
    tunnels: sorted.flatMap((lease) => {
      const client = lease.state === "held" ? clients.get(lease.session) : undefined;
      return client === undefined || lease.state !== "held"
        ? []
        : [tunnelInfo(lease, client, parked.count(lease.port))];
    }),
    leases: sorted.map((lease) => leaseInfo(lease, ahead)),
  };
}

function tunnelInfo(
  lease: Lease & { readonly state: "held" },
  client: RelayClient,
  pending: number,
): NativeTunnelInfo {
  const { port, bindId, label: target, generation, awaySince } = lease;
  return {
    port,
    remoteAddress: client.session.remoteAddress,
    since: client.since.get(bindId) ?? 0,
    visitors: client.visitors(bindId),
    pending,
    target,
    attached: awaySince === undefined,
    generation,
  };
}

function leaseInfo(lease: Lease, ahead: number): LeaseInfo {
  const { port, owner: ownerId, label: target, generation } = lease;
  const until = lease.state === "kept" ? Math.round(lease.until + ahead) : undefined;
  return { port, ownerId, target, generation, until };
}
