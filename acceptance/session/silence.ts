// Interactive streams through silence: a black hole, a process that stands still, a clock that jumps.
import assert from "node:assert/strict";
import { pause, until } from "../harness/condition.ts";
import type { Command } from "../harness/command.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { echoService } from "../harness/service.ts";
import { Ticker } from "../harness/ticker.ts";
import { connected, latest, portOf, servesAgain, tunnelState } from "../harness/tunnel-state.ts";
import { assertNothingLost, MAX_DELAY_MS, throughProxy } from "./stage.ts";

const HOLE_MS = 30_000;
const TIMEOUT_MS = 2_000;
const HEARTBEAT: readonly string[] = [
  "--heartbeat-interval",
  `${TIMEOUT_MS / 4}ms`,
  "--heartbeat-timeout",
  `${TIMEOUT_MS}ms`,
];

async function blackHole(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const { proxy, command, port } = await throughProxy(scene, target, { args: HEARTBEAT });
  const ticker = new Ticker(scene, port);
  await until("twenty bytes are back", () => ticker.echoed >= 20);
  proxy.blackhole();
  const holeAt = performance.now();
  const lost = await tunnelState(command, "the loss is noticed", ({ state }) => state === "reconnecting");
  const noticedMs = lost.at - holeAt;
  // How long the hole lasts is the thing that is tested.
  await pause(HOLE_MS - noticedMs);
  const before = ticker.echoed;
  assert.equal(ticker.fate, undefined, "the visitor's socket did not stay open");
  await proxy.heal();
  const healedAt = performance.now();
  await ticker.goesOn();
  const afterMs = ticker.heardAt - healedAt;
  assert.ok(afterMs <= TIMEOUT_MS + MAX_DELAY_MS, `went on ${afterMs} ms after the hole was closed`);
  await ticker.catchesUp();
  const waited = ticker.sent - before;
  assert.ok(waited >= 250, `only ${waited} bytes were typed into the hole`);
  assert.equal(await ticker.finish(), ticker.echoed);
  assertNothingLost(command);
  return (
    `noticed after ${noticedMs.toFixed(0)} ms of ${TIMEOUT_MS}, went on ${afterMs.toFixed(0)} ms after the hole, ` +
    `${waited} bytes typed meanwhile, ${ticker.echoed} in all, each back once and in order`
  );
}

const LEASE_MS = 6_000;
const WITHIN_MS = 3_000;
/** The relay misses a client a quarter of its lease after the last byte, and keeps everything for a lease from then. */
const BEYOND_MS = 9_000;

/** Stand still for so long; nothing that was typed meanwhile may be lost. Gives how many bytes had to wait. */
async function standStill(command: Command, ticker: Ticker, stopMs: number): Promise<number> {
  command.kill("SIGSTOP");
  // How long it stands still is the thing that is tested.
  await pause(stopMs);
  const waiting = ticker.sent - ticker.echoed;
  assert.ok(waiting >= (stopMs / 100) * 0.6, `only ${waiting} bytes were waiting: it was not stopped`);
  command.kill("SIGCONT");
  await ticker.catchesUp();
  assert.equal(ticker.fate, undefined);
  return waiting;
}

async function stoppedWithinAndBeyond(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const relay = { args: ["--lease", `${LEASE_MS}ms`] };
  const { command, port } = await throughProxy(scene, target, { relay });
  const ticker = new Ticker(scene, port);
  await until("an echo", () => ticker.echoed > 0);
  const waited = await standStill(command, ticker, WITHIN_MS);
  assertNothingLost(command);

  const epoch = latest(command)?.epoch ?? 0;
  command.kill("SIGSTOP");
  const stoppedAt = performance.now();
  const fate = await ticker.isOver();
  const resetMs = performance.now() - stoppedAt;
  assert.equal(fate, "ECONNRESET", "the visitor must not take it for an orderly end");
  assert.ok(resetMs >= LEASE_MS, `the lease was cut short: reset after ${resetMs} ms`);
  assert.ok(resetMs <= BEYOND_MS, `reset only after ${resetMs} ms`);
  // How long it stands still is the thing that is tested.
  await pause(BEYOND_MS - resetMs);
  command.kill("SIGCONT");
  const goneOnAt = performance.now();
  await servesAgain(port);
  const servesMs = performance.now() - goneOnAt;
  assert.equal(portOf(await connected(command, epoch + 1)), port, "another port");
  return (
    `stopped ${WITHIN_MS} ms of a lease of ${LEASE_MS}: ${waited} bytes waited, none lost; stopped ${BEYOND_MS} ms: ` +
    `${fate} after ${resetMs.toFixed(0)} ms, and the same port ${servesMs.toFixed(0)} ms after SIGCONT`
  );
}

/** So rare that only the jump can be the reason for a byte, or for the loss of the link. */
const RARE_HEARTBEAT: readonly string[] = ["--heartbeat-interval", "60s", "--heartbeat-timeout", "120s"];
const JUMP: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${new URL("wall-clock.js", import.meta.url).href}`,
};

/** The machine looks at its clocks once a second; a probe has 2 s. */
const LOOK_MS = 1_000;
const PROBE_MS = 2_000;
const SLACK_MS = 1_500;

async function clockJumps(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const setting = await throughProxy(scene, target, { args: RARE_HEARTBEAT, env: JUMP });
  const { command, proxy, port } = setting;
  const ticker = new Ticker(scene, port, { intervalMs: 60_000 });
  await ticker.catchesUp();
  const link = proxy.connections[0];
  assert.ok(link !== undefined);
  // Acknowledgements of what went before are over when nothing moves for a while.
  await until("the link is quiet", async () => {
    const { received } = link.up;
    await pause(2 * LOOK_MS);
    return link.up.received === received;
  });
  const quietBytes = link.up.received;
  command.kill("SIGUSR2");
  const jumpedAt = performance.now();
  await until("it probes its peer", () => link.up.received > quietBytes);
  const probedMs = performance.now() - jumpedAt;
  assert.ok(probedMs <= LOOK_MS + SLACK_MS, `probed ${probedMs} ms after the jump`);
  await servesAgain(port);
  assert.equal(latest(command)?.epoch, 1, "a healthy link was given up");

  // As after a long sleep: the clock has jumped, and the network has forgotten the link.
  link.apply({ kind: "black_hole" });
  const [sent, hole] = [ticker.sent, performance.now()];
  command.kill("SIGUSR2");
  const back = await connected(command, 2);
  const backMs = back.at - hole;
  assert.ok(backMs <= LOOK_MS + PROBE_MS + MAX_DELAY_MS + SLACK_MS, `back ${backMs} ms after the jump`);
  assert.equal(portOf(back), port);
  await servesAgain(port);
  ticker.type();
  assert.equal(await ticker.finish(), sent + 1);
  assertNothingLost(command);
  return (
    `probed after ${probedMs.toFixed(0)} ms and stayed; with a dead link back after ${backMs.toFixed(0)} ms ` +
    "(silence alone: 120 s), the stream went on"
  );
}

export const silence: readonly Act[] = [
  { name: "typing through a black hole of 30 s", play: blackHole },
  { name: "a client that is stopped, within its lease and beyond", play: stoppedWithinAndBeyond },
  { name: "the wall clock jumps, as after suspend", play: clockJumps },
];
