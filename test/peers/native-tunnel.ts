// A native tunnel whose link can be cut, for peers that know nothing of it.
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import { tcp } from "@holdfast/net/node";
import { onTestFinished } from "vitest";
import { openTunnel, startTunnelRelay, type NativeTunnel } from "../../packages/tunnel/src/index.ts";

export interface CuttableTunnel {
  readonly tunnel: NativeTunnel;
  readonly proxy: FaultyProxy;
  /** Where visitors reach the target. */
  readonly port: number;
}

export async function tunnelTo(targetPort: number): Promise<CuttableTunnel> {
  const relay = await startTunnelRelay({ port: 0, ports: [20_000, 29_999] });
  onTestFinished(() => relay.close());
  const proxy = await startFaultyProxy({ target: relay.endpoint });
  onTestFinished(() => proxy.close());
  if (!("port" in proxy.endpoint)) throw new Error("the proxy has no port");
  const { host, port } = proxy.endpoint;
  const tunnel = openTunnel({
    dial: tcp({ host, port }),
    relayHost: host,
    targets: [{ target: `127.0.0.1:${targetPort}` }],
    backoff: { maxMs: 1_000 },
  });
  onTestFinished(() => tunnel.close());
  const [target] = await tunnel.ready();
  const publicPort = target?.publicEndpoint?.port;
  if (publicPort === undefined) throw new Error("the tunnel got no port");
  return { tunnel, proxy, port: publicPort };
}
