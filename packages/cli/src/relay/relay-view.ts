// What the command needs of a relay: both dialects, started, steered and ended as one.
import type { Endpoint } from "@holdfast/net/node";
import {
  startBoreRelay,
  startTunnelRelay,
  type BoreRelay,
  type BoreRelayOptions,
  type RelayEvent,
  type TunnelRelay,
  type TunnelRelayEvent,
  type TunnelRelayOptions,
} from "@holdfast/tunnel";
import { relayUrl } from "../options/values.ts";

/** One port that a relay gives to somebody. */
export interface RelayTunnelRow {
  readonly port: number;
  readonly remoteAddress: string;
  readonly since: number;
  readonly visitors: number;
  readonly pending: number;
  readonly dialect: "native" | "bore";
  readonly away: boolean;
}

export interface RelayViewOptions {
  readonly native: TunnelRelayOptions | undefined;
  readonly bore: BoreRelayOptions | undefined;
  readonly onEvent: (event: RelayEvent | TunnelRelayEvent) => void;
}

export class RelayView {
  readonly native: TunnelRelay | undefined;
  readonly bore: BoreRelay | undefined;

  /** @throws HoldfastError as `startTunnelRelay` and `startBoreRelay` do; then neither runs. */
  static async start({ native, bore, onEvent }: RelayViewOptions): Promise<RelayView> {
    const first = native === undefined ? undefined : await startTunnelRelay({ ...native, onEvent });
    try {
      const second = bore === undefined ? undefined : await startBoreRelay({ ...bore, onEvent });
      return new RelayView(first, second);
    } catch (thrown) {
      await first?.close();
      throw thrown;
    }
  }

  private constructor(native: TunnelRelay | undefined, bore: BoreRelay | undefined) {
    this.native = native;
    this.bore = bore;
  }

  /** URLs that clients use, the native one first. */
  get addresses(): readonly string[] {
    return [
      ...(this.native === undefined ? [] : [hrefOf("holdfast", this.native.endpoint)]),
      ...(this.bore === undefined ? [] : [hrefOf("bore", this.bore.endpoint)]),
    ];
  }

  get tunnels(): readonly RelayTunnelRow[] {
    const native = this.native?.status.tunnels ?? [];
    return [
      ...native.map((tunnel) => ({ ...tunnel, dialect: "native" as const, away: !tunnel.attached })),
      ...(this.bore?.tunnels ?? []).map((tunnel) => ({ ...tunnel, dialect: "bore" as const, away: false })),
    ];
  }

  get visitors(): number {
    return this.tunnels.reduce((sum, tunnel) => sum + tunnel.visitors, 0);
  }

  /** Calls `look` after each change, and resolves when both have ended. */
  async follow(look: (draining: boolean) => Promise<void>): Promise<void> {
    const watch = async (
      changes: AsyncIterable<{ readonly draining: boolean }> | undefined,
    ): Promise<void> => {
      if (changes !== undefined) for await (const { draining } of changes) await look(draining);
    };
    await Promise.all([watch(this.native?.changes()), watch(this.bore?.changes())]);
  }

  /** Whoever comes from now on must know this one. */
  useSecret(secret: string): void {
    this.native?.useSecret(secret);
    this.bore?.useSecret(secret);
  }

  async drain(timeoutMs: number): Promise<void> {
    await Promise.all([this.native?.drain(timeoutMs), this.bore?.drain(timeoutMs)]);
  }

  async close(): Promise<void> {
    await Promise.all([this.native?.close(), this.bore?.close()]);
  }
}

function hrefOf(scheme: "holdfast" | "bore", endpoint: Endpoint): string {
  if ("path" in endpoint) throw new TypeError("a relay listens on a port");
  return relayUrl(scheme, endpoint.host, endpoint.port).href;
}
