// A server of this machine within this process, shown on the control socket.
import { timestamp, type ControlHost, type EntryFields, type Item } from "@holdfast/control";
import type { Endpoint } from "@holdfast/net/node";
import type { MachineServer } from "@holdfast/remote";
import { relayUrl } from "../options/values.ts";

/** How often those who watch hear of sessions and processes that come and go, at most. */
const SETTLE_MS = 100;

export interface ShowServerOptions {
  readonly name: string;
  readonly server: MachineServer;
  readonly secretRequired: boolean;
  /** How many keys are let in; `undefined`: keys are not looked at. */
  readonly authorizedKeys: () => number | undefined;
  readonly disconnect: () => void;
  /** After changes: how many sessions there are, and how many were begun. */
  readonly onSessions: (count: number, begun: number) => void;
}

export interface ShownServer {
  readonly url: string;
  readonly item: Item;
  /** Settles when the server has ended. */
  readonly ended: Promise<void>;
}

export function showServer(host: ControlHost, options: ShowServerOptions): ShownServer {
  const { name, server, secretRequired, authorizedKeys, disconnect, onSessions } = options;
  const url = urlOf(server.endpoint);
  const since = timestamp(Date.now());
  const status = (): EntryFields<"server"> => {
    const { draining, sessions, attached, processes } = server.status;
    return {
      state: draining ? "draining" : "listening",
      since,
      address: url,
      addresses: [url],
      secret_required: secretRequired,
      authorized_keys: authorizedKeys() ?? null,
      sessions,
      attached,
      processes,
    };
  };
  const item = host.add({ kind: "server", name, status, disconnect });
  const follow = async (): Promise<void> => {
    for await (const { sessions, begun } of server.changes()) {
      onSessions(sessions, begun);
      item.changed();
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
    item.remove();
  };
  return { url, item, ended: follow() };
}

function urlOf(endpoint: Endpoint): string {
  if ("path" in endpoint) throw new TypeError("a server listens on a port");
  return relayUrl("holdfast", endpoint.host, endpoint.port).href;
}
