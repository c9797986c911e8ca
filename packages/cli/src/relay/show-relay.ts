// A relay within this process, shown on the control socket.
import { timestamp, type ControlHost, type EntryFields, type Item } from "@holdfast/control";
import type { BoreRelayOptions, RelayEvent, TunnelRelayEvent, TunnelRelayOptions } from "@holdfast/tunnel";
import type { Output } from "../terminal/output.ts";
import { describeRelayEvent } from "./describe-relay.ts";
import { RelayView } from "./relay-view.ts";

/** How often those who watch hear of tunnels that come and go, at most. */
const SETTLE_MS = 100;

export interface ShownRelay {
  readonly relay: RelayView;
  /** The first of its addresses. */
  readonly url: string;
  readonly item: Item;
  /** Settles when the relay has ended. */
  readonly ended: Promise<void>;
}

export interface ShowRelayOptions {
  readonly name: string;
  readonly output: Output;
  readonly native: TunnelRelayOptions | undefined;
  readonly bore: BoreRelayOptions | undefined;
  readonly disconnect?: () => void;
  readonly onEvent?: (event: RelayEvent | TunnelRelayEvent) => void;
}

/** @throws HoldfastError as `RelayView.start` does. */
export async function startShownRelay(host: ControlHost, options: ShowRelayOptions): Promise<ShownRelay> {
  const { name, output, native, bore, disconnect, onEvent } = options;
  const relay = await RelayView.start({
    native,
    bore,
    onEvent: (event) => {
      const text = describeRelayEvent(event);
      if (event.type === "warning") output.warn(text);
      else output.detail(text);
      onEvent?.(event);
    },
  });
  const addresses = [...relay.addresses];
  const url = addresses[0] ?? "";
  const started = timestamp(Date.now());
  let draining = false;
  const status = (): EntryFields<"relay"> => ({
    state: draining ? "draining" : "listening",
    since: started,
    address: url,
    addresses,
    secret_required: (native ?? bore)?.secret !== undefined,
    tunnels: relay.tunnels.length,
  });
  const details = (): Partial<EntryFields<"relay">> => ({
    tunnel_list: relay.tunnels.map((tunnel) => ({
      port: tunnel.port,
      remote_address: tunnel.remoteAddress,
      since: timestamp(tunnel.since),
      streams: tunnel.visitors,
      pending: tunnel.pending,
      dialect: tunnel.dialect,
      away: tunnel.away,
    })),
  });
  const item = host.add({
    kind: "relay",
    name,
    status,
    details,
    ...(disconnect !== undefined && { disconnect }),
  });
  const follow = async (): Promise<void> => {
    await relay.follow(async (drains) => {
      draining ||= drains;
      item.changed();
      // Thousands of clients that return at once are one change for those who watch, not thousands.
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    });
    item.remove();
  };
  return { relay, url, item, ended: follow() };
}
