// What a person does by hand: a new link while the old one is healthy, an end in the middle of a dial, a wait.
import assert from "node:assert/strict";
import { startFaultyProxy } from "@holdfast/net/testing";
import { until } from "../harness/condition.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { echoService } from "../harness/service.ts";
import { needing } from "../harness/skip.ts";
import { knownHosts, Sshd, SSHD_PROGRAMS } from "../harness/sshd.ts";
import { Ticker } from "../harness/ticker.ts";
import { isClosed, servesAgain } from "../harness/tunnel-state.ts";
import {
  connectedAgain,
  connectTo,
  eventsOf,
  forwardTo,
  listedConnection,
  state,
  statesOf,
  succeeds,
  watch,
} from "./stage.ts";

/** From the daemon's answer to the event, both as printed on a machine that is busy; the dial would take ten seconds. */
const AT_ONCE_MS = 1_000;

async function madeBeforeBroken(scene: Scene): Promise<string> {
  const sshd = await Sshd.start(scene);
  const flags = sshd.flags(knownHosts(scene, sshd));
  await connectTo(scene, sshd.destination, { name: "box", flags });
  const events = await watch(scene);
  const forward = await forwardTo(scene, "box", await echoService(scene));
  const ticker = new Ticker(scene, forward.port, { intervalMs: 20 });
  await ticker.goesOn();
  const before = performance.now();
  // Two at once: the second joins the first.
  const asked = await Promise.all([1, 2].map(() => scene.run(["reconnect", "box", "--json"])));
  for (const command of asked) assert.equal(command.end?.code, 0, command.stderr);
  const back = await connectedAgain(events, "box", 2);
  await ticker.goesOn();
  const told = statesOf(events, "box").filter(({ at }) => at >= before);
  const states = [...new Set(told.map(({ line }) => line.state))];
  assert.deepEqual(states, ["connected"], "a healthy link was left before there was another");
  assert.equal(back.line.epoch, 2);
  assert.equal((await listedConnection(scene, "box"))?.epoch, 2, "the second did not join the first");
  const bytes = await ticker.finish();
  await servesAgain(forward.port);
  return `epoch 2 after ${(back.at - before).toFixed(0)} ms, never away; a visitor's ${bytes} bytes each came back once`;
}

/** A dial that nobody answers, and an end in the middle of it. */
async function endedInTheMiddle(scene: Scene): Promise<string> {
  const sshd = await Sshd.start(scene);
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: sshd.port } });
  scene.onEnd(() => proxy.close());
  if (!("port" in proxy.endpoint)) throw new Error("the proxy has no port");
  const { port } = proxy.endpoint;
  const known = scene.file("known_hosts", `[127.0.0.1]:${port} ${sshd.publicHostKey}\n`);
  const destination = `ssh://${sshd.user}@127.0.0.1:${port}`;
  await connectTo(scene, destination, { name: "box", flags: sshd.flags(known) });
  const events = await watch(scene);
  const forward = await forwardTo(scene, "box", await echoService(scene));
  const dials = proxy.acceptedCount;
  proxy.cut();
  proxy.blackhole();
  const after = performance.now();
  await state(events, "box", "dials", (line) => line.phase === "dialing", { after });
  await until("the dial is on its way", () => proxy.acceptedCount > dials);
  const tooEarly = await scene.run(["wait", "box", "--for", "connected", "--timeout", "300ms", "--json"]);
  assert.equal(tooEarly.end?.code, 1, "wait succeeded for a connection that is away");

  const ending = await succeeds(scene, ["disconnect", "box", "--json"]);
  const { at: endedAt } = await ending.line("disconnect_initiated");
  const [removed] = await until("it is told to be removed", () => {
    const found = eventsOf(events, "connection_removed");
    return found.length > 0 && found;
  });
  const afterMs = (removed?.at ?? Infinity) - endedAt;
  assert.ok(afterMs <= AT_ONCE_MS, `removed only after ${afterMs} ms`);
  assert.equal(eventsOf(events, "forward_removed").length, 1, "its forward was not told to be removed");
  await isClosed(forward.port);
  // Only now can the proxy see who has hung up.
  await proxy.heal();
  await until("the dial is given up", () => proxy.connections.every(({ isClosed: gone }) => gone));
  assert.equal(await listedConnection(scene, "box"), undefined);
  assert.equal(proxy.acceptedCount, dials + 1, "it was dialled again");
  return `gone ${afterMs.toFixed(0)} ms after disconnect, with its forward, in the middle of a dial`;
}

export const steering: readonly Act[] = [
  {
    name: "reconnect of a healthy connection makes the new link before it leaves the old one",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => madeBeforeBroken(scene)),
  },
  {
    name: "disconnect in the middle of a dial",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => endedInTheMiddle(scene)),
  },
];
