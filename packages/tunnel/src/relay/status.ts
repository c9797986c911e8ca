// A relay as it stands now, whatever it speaks.

/** A tunnel as the relay sees it now. */
export interface TunnelInfo {
  readonly port: number;
  /** Where its client comes from. */
  readonly remoteAddress: string;
  /** When it was opened, in milliseconds since 1970 UTC. */
  readonly since: number;
  /** Visitors that the client has taken and that are not done. */
  readonly visitors: number;
  /** Visitors that wait for the client. */
  readonly pending: number;
}

/** A relay as it stands now. */
export interface RelayStatus {
  readonly draining: boolean;
  readonly tunnels: readonly TunnelInfo[];
}
