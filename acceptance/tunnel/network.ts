// A real network between two machines: an address that leaves, a cable that is pulled; and a process that is stopped.
import assert from "node:assert/strict";
import { startNetworkLab, type NetworkLab } from "@holdfast/net/testing";
import type { Act } from "../harness/run.ts";
import { echoService } from "../harness/service.ts";
import type { Command } from "../harness/command.ts";
import type { Scene } from "../harness/scene.ts";
import { needing } from "../harness/skip.ts";
import { startRelay } from "../harness/relay.ts";
import { connected, latest, portOf, servesAgain, tunnelState } from "../harness/tunnel-state.ts";
import { startTunnel } from "./stage.ts";

/** A tunnel from the near machine to a relay on the far one. */
async function labTunnel(scene: Scene): Promise<{ lab: NetworkLab; tunnel: Command; port: number }> {
  const lab = await startNetworkLab();
  scene.onEnd(() => lab.close());
  const { far, near } = lab;
  const relay = await startRelay(scene, { args: ["--anonymous", "--bind", far.address], on: far });
  const url = `bore://${far.address}:${relay.borePort}`;
  const expose = `expose 3000 --json --relay ${url} --max-reconnect-delay 1s`;
  const tunnel = scene.holdfast(expose.split(" "), {}, near);
  return { lab, tunnel, port: portOf(await connected(tunnel, 1)) };
}

export const network: readonly Act[] = [
  {
    name: "the machine's address leaves and comes back",
    play: (scene) =>
      needing({ lab: true }, async () => {
        const { lab, tunnel, port } = await labTunnel(scene);
        const leftAt = performance.now();
        await lab.removeAddress();
        const lost = await tunnelState(
          tunnel,
          "the loss is noticed",
          ({ state }) => state === "reconnecting",
        );
        const noticedMs = lost.at - leftAt;
        // The machine's addresses are looked at once a second; silence alone would take eight.
        assert.ok(noticedMs < 3_000, `noticed after ${noticedMs} ms`);
        await lab.addAddress();
        const backAt = performance.now();
        const back = await connected(tunnel, 2);
        assert.equal(portOf(back), port, "another port");
        const afterMs = back.at - backAt;
        assert.ok(afterMs < 15_000, `back after ${afterMs} ms`);
        return `noticed after ${noticedMs.toFixed(0)} ms, back ${(afterMs / 1_000).toFixed(1)} s after it, on the same port`;
      }),
  },
  {
    name: "the cable is pulled",
    play: (scene) =>
      needing({ lab: true }, async () => {
        const { lab, tunnel, port } = await labTunnel(scene);
        await lab.cut();
        await tunnelState(tunnel, "the loss is noticed", ({ state }) => state === "reconnecting");
        await lab.heal();
        const healedAt = performance.now();
        const back = await connected(tunnel, 2);
        assert.equal(portOf(back), port, "another port");
        return `back ${((back.at - healedAt) / 1_000).toFixed(1)} s after it was plugged in, on the same port`;
      }),
  },
  {
    name: "a process that was stopped for longer than the timeout does not blame its peer",
    play: async (scene) => {
      const target = await echoService(scene);
      const relay = await startRelay(scene);
      const tunnel = await startTunnel(scene, relay.borePort, target, ["--heartbeat-timeout", "2s"]);
      tunnel.command.kill("SIGSTOP");
      // How long it is stopped is the thing that is tested, not something that is waited for.
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      tunnel.command.kill("SIGCONT");
      await servesAgain(tunnel.port);
      assert.deepEqual([latest(tunnel.command)?.state, latest(tunnel.command)?.epoch], ["connected", 1]);
      return "stopped for 6 s with a timeout of 2 s: still the same link";
    },
  },
];
