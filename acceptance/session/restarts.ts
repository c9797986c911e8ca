// Processes that are killed, on either side, and what belongs to whom afterwards.
import assert from "node:assert/strict";
import { until } from "../harness/condition.ts";
import type { Command } from "../harness/command.ts";
import { startRelay, type RunningRelay } from "../harness/relay.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { echoService } from "../harness/service.ts";
import { Ticker } from "../harness/ticker.ts";
import { connected, isClosed, latest, portOf, servesAgain } from "../harness/tunnel-state.ts";
import { expose, nativeUrl, RELAY_DELAY_MS, startTunnel } from "./stage.ts";

const TAKEOVER_MS = 3_000;

async function clientKilled(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const relay = await startRelay(scene);
  const options = { relay: nativeUrl(relay.nativePort), target };
  const first = await startTunnel(scene, options);
  const old = new Ticker(scene, first.port);
  await until("an echo", () => old.echoed > 0);
  await first.command.destroy();
  assert.equal(old.fate, undefined, "the visitor was let go before the lease was over");
  const again = expose(scene, options);
  const back = await connected(again, 1);
  // From its first line on: how long the machine takes to start a program is not the relay's doing.
  const afterMs = back.at - (await again.line("hello")).at;
  assert.equal(portOf(back), first.port, "another port");
  assert.ok(afterMs < TAKEOVER_MS, `took ${afterMs} ms`);
  assert.equal(await old.isOver(), "ECONNRESET", "the old instance's visitor");
  await servesAgain(first.port);
  return `the same port ${afterMs.toFixed(0)} ms after its first line, its old visitor reset, new ones served`;
}

/** Two, so that a relay that forgot whose they are would give away the wrong one. */
const TWO_PORTS = "25560-25561";

async function relayKilled(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const home = scene.anotherHome("relay");
  const env = { HOLDFAST_HOME: home };
  const stranger = { HOLDFAST_HOME: scene.anotherHome("stranger") };
  const first = await startRelay(scene, { env, ports: TWO_PORTS });
  const relay = nativeUrl(first.nativePort);
  const args = ["--max-reconnect-delay", `${RELAY_DELAY_MS}ms`];
  const tunnel = await startTunnel(scene, { relay, target, args });
  const again = async (killed: RunningRelay): Promise<RunningRelay> => {
    await killed.command.destroy();
    await isClosed(killed.nativePort);
    const { nativePort, borePort } = killed;
    return startRelay(scene, { env, ports: TWO_PORTS, nativePort, borePort });
  };
  const visitor = new Ticker(scene, tunnel.port);
  await until("an echo", () => visitor.echoed > 0);
  const second = await again(first);
  // Of a process that is gone the system says what it likes: with nothing unread it is an orderly end.
  await visitor.isOver();
  const back = await connected(tunnel.command, 2);
  const afterMs = back.at - second.readyAt;
  assert.equal(portOf(back), tunnel.port, "another port");
  assert.ok(afterMs <= RELAY_DELAY_MS + 1_000, `back ${afterMs} ms after the relay`);
  await servesAgain(tunnel.port);

  // Now the owner stands still while the relay comes back, so that only the relay's memory can keep its port.
  tunnel.command.kill("SIGSTOP");
  await again(second);
  const thief = expose(scene, { relay, target, args: ["--port", `${tunnel.port}`], env: stranger });
  const refusal = await refused(thief, "leased");
  const other = await startTunnel(scene, { relay, target, env: stranger });
  assert.notEqual(other.port, tunnel.port, "the leased port was given to a stranger");
  tunnel.command.kill("SIGCONT");
  assert.equal(portOf(await connected(tunnel.command, 3)), tunnel.port, "another port");
  await servesAgain(tunnel.port);
  await servesAgain(other.port);
  return `the same port ${afterMs.toFixed(0)} ms after the relay; a stranger was refused (${refusal}) and got the other`;
}

/** The relay refused the port for this reason. The command may end with 3 or keep asking; gives which. */
async function refused(command: Command, code: string): Promise<string> {
  await until(`\`holdfast ${command.name}\` is refused as ${code}`, () => {
    const { state, failure, public_endpoint } = latest(command) ?? {};
    assert.notEqual(state, "connected", `it was given ${public_endpoint}`);
    return command.end !== undefined || failure?.code === code;
  });
  if (command.end === undefined) return `${code}; it asks again`;
  assert.equal(command.end.code, 3, command.stderr);
  assert.equal((await command.line("error")).line.code, code);
  return `${code}; exit 3`;
}

async function livingInstance(scene: Scene): Promise<string> {
  const target = await echoService(scene);
  const relay = await startRelay(scene);
  const options = { relay: nativeUrl(relay.nativePort), target };
  const first = await startTunnel(scene, { ...options, args: ["--port", "25565"] });
  const visitor = new Ticker(scene, first.port);
  const second = expose(scene, { ...options, args: ["--port", "25565"] });
  const refusal = await refused(second, "held");
  await visitor.goesOn();
  assert.ok(first.command.running, "the living instance was displaced");
  await second.destroy();

  const third = expose(scene, { ...options, args: ["--port", "25565", "--force"] });
  assert.equal(portOf(await connected(third, 1)), 25_565);
  const { code } = await first.command.exits();
  assert.equal(code, 3, first.command.stderr);
  assert.equal(await visitor.isOver(), "ECONNRESET", "the visitor of the displaced one");
  const { line } = await first.command.line("error");
  assert.match(`${line.code} ${line.message}`, /replaced|taken/i);
  await servesAgain(25_565);
  assert.ok(third.running);
  return `refused while the first lives (${refusal}); --force took it over, the first ended with 3 (${line.code})`;
}

export const restarts: readonly Act[] = [
  { name: "kill -9 of the client and the same command again", play: clientKilled },
  { name: "kill -9 of the relay, and whose port it is afterwards", play: relayKilled },
  { name: "a second instance beside a living one", play: livingInstance },
];
