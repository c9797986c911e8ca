// Links that die without a word: half-open, and swallowed by the network.
import assert from "node:assert/strict";
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import type { Act } from "../harness/run.ts";
import { echoService } from "../harness/service.ts";
import type { Scene } from "../harness/scene.ts";
import { startRelay } from "../harness/relay.ts";
import { connected, portOf, servesAgain, tunnelState } from "../harness/tunnel-state.ts";
import { startTunnel } from "./stage.ts";

const TIMEOUT_MS = 4_000;

async function noticed(scene: Scene, silence: (proxy: FaultyProxy) => void): Promise<string> {
  const target = await echoService(scene);
  const relay = await startRelay(scene);
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: relay.borePort } });
  scene.onEnd(() => proxy.close());
  if (!("port" in proxy.endpoint)) throw new Error("the proxy has no port");
  const tunnel = await startTunnel(scene, proxy.endpoint.port, target, [
    "--heartbeat-timeout",
    `${TIMEOUT_MS}ms`,
    "--max-reconnect-delay",
    "1s",
  ]);
  await servesAgain(tunnel.port);
  silence(proxy);
  const silentAt = performance.now();
  const lost = await tunnelState(
    tunnel.command,
    "the loss is noticed",
    ({ state }) => state === "reconnecting",
  );
  const afterMs = lost.at - silentAt;
  // The last beat came at most half a second before the silence began.
  assert.ok(afterMs >= TIMEOUT_MS - 600 && afterMs <= TIMEOUT_MS * 1.1, `noticed after ${afterMs} ms`);
  await proxy.heal();
  const back = await connected(tunnel.command, 2);
  assert.equal(portOf(back), tunnel.port, "another port");
  await servesAgain(tunnel.port);
  return `noticed after ${afterMs.toFixed(0)} ms of ${TIMEOUT_MS}, back on the same port`;
}

export const silences: readonly Act[] = [
  {
    name: "half-open: both sides open, nothing forwarded",
    play: (scene) => noticed(scene, (proxy) => proxy.apply({ kind: "half_open" })),
  },
  { name: "black hole: swallowed both ways", play: (scene) => noticed(scene, (proxy) => proxy.blackhole()) },
];
