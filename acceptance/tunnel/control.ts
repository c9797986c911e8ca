// list, status, events, wait, reconnect and disconnect tell the truth, through an outage and to the end.
import assert from "node:assert/strict";
import type { Act } from "../harness/run.ts";
import { echoService } from "../harness/service.ts";
import { startRelay } from "../harness/relay.ts";
import { connected, isClosed, listed } from "../harness/tunnel-state.ts";
import { startTunnel } from "./stage.ts";

export const control: readonly Act[] = [
  {
    name: "what is said of a tunnel is true all the time",
    play: async (scene) => {
      const target = await echoService(scene);
      const first = await startRelay(scene);
      const tunnel = await startTunnel(scene, first.borePort, target, [
        "--name",
        "web",
        "--max-reconnect-delay",
        "1s",
      ]);
      const events = scene.holdfast(["events", "--json"]);
      await events.line("snapshot");
      assert.equal((await listed(scene, "web"))?.state, "connected");
      assert.equal((await listed(scene, "web"))?.public_endpoint?.endsWith(`:${tunnel.port}`), true);

      await first.command.destroy();
      await isClosed(first.borePort);
      await events.line(
        "event",
        ({ event }) => event.type === "tunnel_state" && event.state === "reconnecting",
      );
      const away = await listed(scene, "web");
      assert.equal(away?.state, "reconnecting");
      assert.equal(away?.epoch, 1);
      assert.ok(away?.failure !== null, "no reason given");
      const tooEarly = await scene.run(["wait", "web", "--for", "connected", "--timeout", "300ms", "--json"]);
      assert.equal(tooEarly.end?.code, 1, "wait succeeded for a tunnel that is away");

      const waiting = scene.holdfast(["wait", "web", "--for", "connected", "--timeout", "30s", "--json"]);
      const second = await startRelay(scene, { borePort: first.borePort });
      assert.equal((await scene.run(["reconnect", "web", "--json"])).end?.code, 0);
      await connected(tunnel.command, 2);
      assert.equal((await waiting.ended).code, 0, waiting.stderr);
      await events.line("event", ({ event }) => event.type === "tunnel_outage" && event.name === "web");
      const back = await listed(scene, "web");
      assert.deepEqual([back?.state, back?.epoch, back?.pid], ["connected", 2, tunnel.command.pid]);

      const unknown = await scene.run(["status", "nobody", "--json"]);
      assert.notEqual(unknown.end?.code, 0);
      assert.equal((await scene.run(["disconnect", "web", "--json"])).end?.code, 0);
      assert.equal((await tunnel.command.ended).code, 0, tunnel.command.stderr);
      await events.line("event", ({ event }) => event.type === "tunnel_removed" && event.name === "web");
      assert.equal(await listed(scene, "web"), undefined);
      await isClosed(tunnel.port);

      events.kill("SIGTERM");
      assert.equal((await events.ended).code, 0, events.stderr);
      second.command.kill("SIGTERM");
      await second.command.ended;
      assert.deepEqual(scene.leftSockets(), []);
      return "list, status, events, wait, reconnect, disconnect agreed with what happened";
    },
  },
];
