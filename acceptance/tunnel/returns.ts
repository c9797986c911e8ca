// The tunnel comes back: the same port, the same process, and nothing that was under way is lost.
import assert from "node:assert/strict";
import { startFaultyProxy } from "@holdfast/net/testing";
import { until } from "../harness/condition.ts";
import type { Act } from "../harness/run.ts";
import { patternHash } from "../harness/pattern.ts";
import { download, echoService, patternService } from "../harness/service.ts";
import { startRelay } from "../harness/relay.ts";
import { connected, isClosed, latest, portOf, servesAgain, tunnelState } from "../harness/tunnel-state.ts";
import { startTunnel } from "./stage.ts";

const MAX_DELAY_MS = 1_000;
const OUTAGES = 40;
const DOWNLOAD_BYTES = 50 * 1024 * 1024;

export const returns: readonly Act[] = [
  {
    name: "the relay is killed and started again",
    play: async (scene) => {
      const target = await echoService(scene);
      const first = await startRelay(scene);
      const tunnel = await startTunnel(scene, first.borePort, target, [
        "--max-reconnect-delay",
        `${MAX_DELAY_MS}ms`,
      ]);
      const pid = tunnel.command.pid;
      await servesAgain(tunnel.port);
      await first.command.destroy();
      await isClosed(first.borePort);
      await tunnelState(
        tunnel.command,
        "the twelfth attempt",
        ({ state, attempt }) => state === "reconnecting" && attempt >= 12,
      );
      const second = await startRelay(scene, { borePort: first.borePort });
      const back = await connected(tunnel.command, 2);
      const afterMs = back.at - second.readyAt;
      assert.equal(back.line.epoch, 2);
      assert.equal(portOf(back), tunnel.port, "another port");
      assert.equal(back.line.pid, pid, "another process");
      assert.ok(afterMs <= MAX_DELAY_MS + 1_000, `back ${afterMs} ms after the relay`);
      await servesAgain(tunnel.port);
      return `the same port, epoch 2, ${afterMs.toFixed(0)} ms after the relay`;
    },
  },
  {
    name: `${OUTAGES} outages, a download through each`,
    play: async (scene) => {
      const target = await patternService(scene);
      const relay = await startRelay(scene);
      const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: relay.borePort } });
      scene.onEnd(() => proxy.close());
      if (!("port" in proxy.endpoint)) throw new Error("the proxy has no port");
      const tunnel = await startTunnel(scene, proxy.endpoint.port, target, ["--max-reconnect-delay", "1s"]);
      const hash = new Map<number, string>();
      let inFlight = 0;
      for (let outage = 1; outage <= OUTAGES; outage++) {
        const seed = outage % 4;
        hash.set(seed, hash.get(seed) ?? patternHash(seed, DOWNLOAD_BYTES));
        // Between downloads the control connection is the only one there is.
        const link = await until("only the control connection is open", () => {
          const open = proxy.connections.filter((each) => !each.isClosed);
          return open.length === 1 && open[0];
        });
        let cutAt = 0;
        const done = download(tunnel.port, seed, DOWNLOAD_BYTES, (count) => {
          if (cutAt > 0) return;
          cutAt = count;
          link.apply({ kind: "reset" });
        });
        const { bytes, hash: got } = await done;
        assert.equal(bytes, DOWNLOAD_BYTES, `outage ${outage}`);
        assert.equal(got, hash.get(seed), `outage ${outage}: the bytes differ`);
        inFlight += DOWNLOAD_BYTES - cutAt;
        const back = await connected(tunnel.command, outage + 1);
        assert.equal(portOf(back), tunnel.port);
        await until("the tunnel is up", () => latest(tunnel.command)?.state === "connected");
      }
      return `every hash right, ${(inFlight / 1e9).toFixed(2)} GB were under way at the cuts, one port`;
    },
  },
  {
    name: "two clients want one port",
    play: async (scene) => {
      const target = await echoService(scene);
      const relay = await startRelay(scene);
      const one = await startTunnel(scene, relay.borePort, target, ["--port", "25555", "--name", "one"]);
      const two = scene.holdfast(
        "expose --port 25555 --name two --json --max-reconnect-delay 1s"
          .split(" ")
          .concat(String(target), "--relay", `bore://127.0.0.1:${relay.borePort}`),
      );
      const waiting = await tunnelState(two, "four failures", ({ failures }) => failures >= 4, 60_000);
      assert.match(waiting.line.failure?.message ?? "", /in use/);
      assert.equal(latest(one.command)?.epoch, 1, "the holder was displaced");
      assert.equal(latest(one.command)?.state, "connected");
      await servesAgain(25_555);
      one.command.kill("SIGTERM");
      assert.equal((await one.command.ended).code, 0);
      const got = await connected(two, 1, 20_000);
      assert.equal(portOf(got), 25_555);
      await servesAgain(25_555);
      return "the holder kept it, the other waited and took it over";
    },
  },
  {
    name: "a client that vanished does not hold its port",
    play: async (scene) => {
      const target = await echoService(scene);
      const relay = await startRelay(scene);
      const one = await startTunnel(scene, relay.borePort, target, ["--port", "25556", "--name", "one"]);
      one.command.kill("SIGSTOP");
      const startedAt = performance.now();
      const two = await startTunnel(
        scene,
        relay.borePort,
        target,
        "--port 25556 --name two --max-reconnect-delay 1s".split(" "),
      );
      const afterMs = performance.now() - startedAt;
      assert.equal(two.port, 25_556);
      assert.ok(afterMs < 20_000, `took ${afterMs} ms`);
      await servesAgain(25_556);
      one.command.kill("SIGCONT");
      return `freed by probe and taken after ${(afterMs / 1_000).toFixed(1)} s (bore: 15 minutes)`;
    },
  },
];
