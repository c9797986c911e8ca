// Signals: reconnect now, drain, stop now; and nothing left behind by any of them.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { until } from "../harness/condition.ts";
import type { Act } from "../harness/run.ts";
import { echoService } from "../harness/service.ts";
import { startRelay } from "../harness/relay.ts";
import { connected, isClosed, servesAgain, tunnelState } from "../harness/tunnel-state.ts";
import { startTunnel } from "./stage.ts";

export const signals: readonly Act[] = [
  {
    name: "SIGHUP dials now",
    play: async (scene) => {
      const target = await echoService(scene);
      const first = await startRelay(scene);
      const tunnel = await startTunnel(scene, first.borePort, target, ["--max-reconnect-delay", "60s"]);
      await first.command.destroy();
      // Far enough into the outage that waiting would take much longer than being told.
      const waiting = await tunnelState(
        tunnel.command,
        "a long wait",
        (line) => line.state === "reconnecting" && line.phase === "waiting" && (line.delay_ms ?? 0) > 5_000,
        90_000,
      );
      const second = await startRelay(scene, { borePort: first.borePort });
      const toldAt = performance.now();
      tunnel.command.kill("SIGHUP");
      const back = await connected(tunnel.command, 2);
      const afterMs = back.at - Math.max(toldAt, second.readyAt);
      assert.ok(afterMs < 1_000, `back ${afterMs} ms after SIGHUP`);
      assert.ok(tunnel.command.running);
      return `back after ${afterMs.toFixed(0)} ms instead of ${((waiting.line.delay_ms ?? 0) / 1_000).toFixed(1)} s`;
    },
  },
  {
    name: "SIGTERM lets visitors finish",
    play: async (scene) => {
      const target = await echoService(scene);
      const relay = await startRelay(scene);
      const tunnel = await startTunnel(scene, relay.borePort, target);
      const visitor = connect(tunnel.port, "127.0.0.1");
      let got = "";
      visitor
        .setEncoding("utf8")
        .on("data", (text: string) => (got += text))
        .on("error", () => undefined);
      visitor.write("before ");
      await until("the first echo", () => got === "before ");
      tunnel.command.kill("SIGTERM");
      await isClosed(tunnel.port);
      assert.ok(tunnel.command.running, "it did not wait for its visitor");
      visitor.write("after");
      await until("the second echo", () => got === "before after");
      visitor.end();
      assert.equal((await tunnel.command.ended).code, 0, tunnel.command.stderr);
      relay.command.kill("SIGTERM");
      assert.equal((await relay.command.ended).code, 0, relay.command.stderr);
      assert.deepEqual(scene.leftSockets(), []);
      return "an open stream went on until it ended, exit 0, nothing left";
    },
  },
  {
    name: "the second Ctrl-C stops now",
    play: async (scene) => {
      const target = await echoService(scene);
      const relay = await startRelay(scene);
      const tunnel = await startTunnel(scene, relay.borePort, target);
      const visitor = connect(tunnel.port, "127.0.0.1");
      let got = 0;
      visitor.on("data", (chunk) => (got += chunk.length)).on("error", () => undefined);
      visitor.write("x");
      await until("an echo", () => got > 0);
      tunnel.command.kill("SIGINT");
      await isClosed(tunnel.port);
      assert.ok(tunnel.command.running, "it did not drain");
      tunnel.command.kill("SIGINT");
      const { code } = await tunnel.command.ended;
      assert.equal(code, 130, tunnel.command.stderr);
      visitor.destroy();
      return "the first drained, the second exited 130";
    },
  },
  {
    name: "kill -9 leaves nothing that disturbs",
    play: async (scene) => {
      const target = await echoService(scene);
      const relay = await startRelay(scene);
      const one = await startTunnel(scene, relay.borePort, target, ["--port", "25557"]);
      await one.command.destroy();
      const two = await startTunnel(scene, relay.borePort, target, ["--port", "25557"]);
      await servesAgain(two.port);
      const list = await scene.run(["list", "--json"]);
      const pids = list.lines.flatMap(({ line }) => (line.type === "tunnel" ? [line.pid] : []));
      assert.deepEqual(pids, [two.command.pid], "the dead process is still listed");
      two.command.kill("SIGTERM");
      await two.command.ended;
      relay.command.kill("SIGTERM");
      await relay.command.ended;
      assert.deepEqual(scene.leftSockets(), [], "a socket file was left");
      return "the same port at once, the dead one not listed, its socket removed";
    },
  },
];
