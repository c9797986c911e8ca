// A relay of native tunnels and its clients for tests, on any port, closed with the test.
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { tcp } from "@holdfast/net/node";
import { onTestFinished } from "vitest";
import {
  openTunnel,
  startTunnelRelay,
  type NativeTunnel,
  type NativeTunnelEvent,
  type TunnelOptions,
  type TunnelRelay,
  type TunnelRelayEvent,
  type TunnelRelayOptions,
} from "../src/index.ts";
import { Peer, until } from "./sockets.ts";

export interface NativeRelay {
  readonly relay: TunnelRelay;
  readonly port: number;
  readonly events: TunnelRelayEvent[];
}

/** All tests come from one address, so the limits of addresses are lifted unless a test sets them. */
export async function startNativeRelay(options: TunnelRelayOptions = {}): Promise<NativeRelay> {
  const events: TunnelRelayEvent[] = [];
  const relay = await startTunnelRelay({
    port: 0,
    // None that the system gives to whoever dials out, so that a port which was closed is there to be opened again.
    ports: [20_000, 29_999],
    ...options,
    limits: {
      connectionsPerAddress: 10_000,
      unauthenticatedPerAddress: 10_000,
      sessionsPerAddress: 10_000,
      ...options.limits,
    },
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  onTestFinished(() => relay.close());
  if ("path" in relay.endpoint) throw new Error("a relay listens on a port");
  return { relay, port: relay.endpoint.port, events };
}

export interface NativeClient {
  readonly tunnel: NativeTunnel;
  readonly events: NativeTunnelEvent[];
}

export interface NativeClientOptions extends Partial<Omit<TunnelOptions, "dial" | "relayHost">> {
  readonly relayPort: number;
  /** The port of a target on this machine, if `targets` are not given. */
  readonly targetPort?: number;
}

export function openNative({ relayPort, targetPort, ...options }: NativeClientOptions): NativeClient {
  const events: NativeTunnelEvent[] = [];
  const tunnel = openTunnel({
    targets: [{ target: `127.0.0.1:${targetPort}` }],
    failFast: false,
    backoff: { initialMs: 100, factor: 2, maxMs: 500 },
    ...options,
    dial: tcp({ host: "127.0.0.1", port: relayPort }),
    relayHost: "127.0.0.1",
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  onTestFinished(() => tunnel.close());
  return { tunnel, events };
}

/** The public port of a target, as soon as it has one. */
export async function portOf(tunnel: NativeTunnel, id = 1): Promise<number> {
  await tunnel.ready();
  const target = tunnel.targets.find((one) => one.id === id);
  if (target?.phase.type !== "bound") throw new Error(`target ${id} is ${JSON.stringify(target?.phase)}`);
  return target.phase.port;
}

/** For a relay that is started again: nobody has it, and the system gives it to nobody who dials out. */
export async function relayPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const listens = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!listens) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

export function ownerKey(): Uint8Array {
  return randomBytes(32);
}

/** Something goes through the tunnel and comes back from an echo. */
export async function talk(port: number, text = "does it work?"): Promise<Peer> {
  const visitor = await Peer.connect(port);
  visitor.say(text);
  await visitor.hears(text);
  return visitor;
}

/** The line is connected again, on a link after this one. */
export async function backAfter(tunnel: NativeTunnel, epoch: number): Promise<void> {
  await until(`the line is connected after epoch ${epoch}`, () => {
    return tunnel.line.status.state === "connected" && tunnel.line.status.epoch > epoch;
  });
}
