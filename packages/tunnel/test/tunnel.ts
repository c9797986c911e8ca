// A client's tunnel for tests, closed with the test.
import { onTestFinished } from "vitest";
import { openBoreTunnel, type BoreTunnel, type BoreTunnelOptions, type TunnelEvent } from "../src/index.ts";
import { Peer, until } from "./sockets.ts";

export interface TestTunnel {
  readonly tunnel: BoreTunnel;
  readonly events: TunnelEvent[];
}

export interface OpenOptions extends Omit<BoreTunnelOptions, "relay"> {
  readonly relayHost?: string;
  readonly relayPort: number;
}

export function openTunnel(options: OpenOptions): TestTunnel {
  const events: TunnelEvent[] = [];
  const { relayHost = "127.0.0.1", relayPort, ...rest } = options;
  const tunnel = openBoreTunnel({
    failFast: false,
    ...rest,
    relay: { host: relayHost, port: relayPort },
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => tunnel.close());
  return { tunnel, events };
}

/** The public port, as soon as the line is up. */
export async function publicPort(tunnel: BoreTunnel): Promise<number> {
  return (await tunnel.line.ready()).port;
}

/** The line has come up again since it had this epoch. */
export async function backAfter(tunnel: BoreTunnel, epoch: number): Promise<void> {
  await until(
    `the line is connected again after epoch ${epoch}; it is ${JSON.stringify(tunnel.line.status)}`,
    () => {
      return tunnel.line.status.state === "connected" && tunnel.line.status.epoch > epoch;
    },
  );
}

/** Something goes through the tunnel and comes back from an echo. */
export async function proveEcho(port: number, text = "does it work?", host = "127.0.0.1"): Promise<Peer> {
  const visitor = await Peer.connect(port, host);
  visitor.say(text);
  await visitor.hears(text);
  return visitor;
}
