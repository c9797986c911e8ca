// A relay within this process, shown on the control socket.
import { timestamp, type ControlHost, type EntryFields, type Item } from "@holdfast/control";
import { formatEndpoint } from "@holdfast/net/node";
import { startBoreRelay, type BoreRelay, type BoreRelayOptions, type RelayEvent } from "@holdfast/tunnel";
import { describeRelayEvent } from "./describe-relay.ts";
import { relayUrl } from "./options/values.ts";
import type { Output } from "./terminal/output.ts";

/** How often those who watch hear of tunnels that come and go, at most. */
const SETTLE_MS = 100;

export interface ShownRelay {
  readonly relay: BoreRelay;
  /** `bore://host:port` with the real port. */
  readonly url: string;
  readonly item: Item;
  /** Settles when the relay has ended. */
  readonly ended: Promise<void>;
}

export interface ShowRelayOptions {
  readonly name: string;
  readonly output: Output;
  readonly disconnect?: () => void;
  readonly onEvent?: (event: RelayEvent) => void;
}

/** @throws HoldfastError as `startBoreRelay` does. */
export async function startShownRelay(
  host: ControlHost,
  options: BoreRelayOptions,
  { name, output, disconnect, onEvent }: ShowRelayOptions,
): Promise<ShownRelay> {
  const relay = await startBoreRelay({
    ...options,
    onEvent: (event) => {
      const text = describeRelayEvent(event);
      if (event.type === "warning") output.warn(text);
      else output.detail(text);
      onEvent?.(event);
    },
  });
  const url = urlOf(relay);
  const started = timestamp(Date.now());
  let draining = false;
  const status = (): EntryFields<"relay"> => ({
    state: draining ? "draining" : "listening",
    since: started,
    address: url,
    addresses: [url],
    secret_required: options.secret !== undefined,
    tunnels: relay.tunnels.length,
  });
  const details = (): Partial<EntryFields<"relay">> => ({
    tunnel_list: relay.tunnels.map((tunnel) => ({
      port: tunnel.port,
      remote_address: tunnel.remoteAddress,
      since: timestamp(tunnel.since),
      streams: tunnel.visitors,
      pending: tunnel.pending,
      dialect: "bore",
      away: false,
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
    for await (const now of relay.changes()) {
      draining = now.draining;
      item.changed();
      // Thousands of clients that return at once are one change for those who watch, not thousands.
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
    item.remove();
  };
  return { relay, url, item, ended: follow() };
}

function urlOf(relay: BoreRelay): string {
  const { endpoint } = relay;
  return "host" in endpoint ? relayUrl("bore", endpoint.host, endpoint.port).href : formatEndpoint(endpoint);
}
