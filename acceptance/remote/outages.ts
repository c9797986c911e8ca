// The sshd of a connection is killed, or away for a while: what is told, and what goes on.
import assert from "node:assert/strict";
import { pause } from "../harness/condition.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { ListSampler } from "../harness/list-sampler.ts";
import { echoes, echoService } from "../harness/service.ts";
import { needing } from "../harness/skip.ts";
import { knownHosts, Sshd, SSHD_PROGRAMS } from "../harness/sshd.ts";
import { servesAgain } from "../harness/tunnel-state.ts";
import {
  connectedAgain,
  connectTo,
  eventsOf,
  forwardTo,
  listedConnection,
  listedForward,
  outagesOf,
  state,
  statesOf,
  watch,
} from "./stage.ts";

/** So long must a link have lived to count as stable, and so soon is the first retry after the loss of such a one. */
const STABLE_MS = 10_000;
const FIRST_RETRY_MS = 250;
/** A login, and a machine that does other things as well. */
const LOGIN_MS = 2_000;
const MAX_DELAY_MS = 2_000;

async function killedAndAway(scene: Scene): Promise<string> {
  const sshd = await Sshd.start(scene);
  const target = await echoService(scene);
  const flags = [...sshd.flags(knownHosts(scene, sshd)), "--max-reconnect-delay", `${MAX_DELAY_MS}ms`];
  const made = await connectTo(scene, sshd.destination, { name: "box", flags });
  const madeAt = performance.now();
  const events = await watch(scene);
  const sampler = new ListSampler(scene);

  const ran = await scene.run(["exec", "box", "--", "sh", "-c", "echo to stderr >&2; exit 3"]);
  assert.equal(ran.end?.code, 3, ran.stderr);
  assert.match(ran.stderr, /to stderr/);
  const forward = await forwardTo(scene, "box", target);
  assert.ok(await echoes(forward.port), "the forward carries nothing");
  const listed = await listedConnection(scene, "box");
  assert.deepEqual(
    [listed?.state, listed?.epoch, listed?.id, listed?.forwards],
    ["connected", 1, made.id, 1],
  );

  // How long the link lives is part of what is tested.
  await pause(madeAt + STABLE_MS - performance.now());
  const killedAt = performance.now();
  assert.ok(sshd.killConnections() > 0, "there was no connection to kill");
  const back = await connectedAgain(events, "box", 2);
  assert.deepEqual([back.line.epoch, back.line.id], [2, made.id]);
  const backMs = back.at - killedAt;
  assert.ok(backMs <= FIRST_RETRY_MS + LOGIN_MS, `back only after ${backMs} ms`);
  const told = statesOf(events, "box").filter(({ at }) => at >= killedAt);
  const lost = told[0]?.line;
  assert.equal(lost?.state, "reconnecting", JSON.stringify(lost));
  assert.equal(lost.attempt, 1);
  assert.ok((lost.failure?.message ?? "") !== "", "no reason is given");
  assert.ok(lost.retry_at !== null && (lost.delay_ms ?? -1) >= 0, `no next retry: ${JSON.stringify(lost)}`);
  assert.ok((lost.delay_ms ?? 0) <= FIRST_RETRY_MS, `the first retry waits ${lost.delay_ms} ms`);
  assert.ok(await echoes(forward.port), "the forward does not work again");
  assert.deepEqual((await listedForward(scene, forward.id))?.listen?.port, forward.port);

  const away = await awayForFourAttempts(events, sshd);
  await servesAgain(forward.port);
  const last = await listedConnection(scene, "box");
  assert.deepEqual([last?.state, last?.epoch, last?.id], ["connected", 3, made.id]);
  assertOutages(events);
  assertNumbered(events);
  return `killed: ${lost.failure?.code}, back after ${backMs.toFixed(0)} ms, epoch 2; ${away}; one port; ${await sampler.stop()}`;
}

/** Nobody listens until the fourth attempt has failed. */
async function awayForFourAttempts(events: Awaited<ReturnType<typeof watch>>, sshd: Sshd): Promise<string> {
  const after = performance.now();
  await sshd.stop();
  const waiting = await state(
    events,
    "box",
    "the fifth attempt is waited for",
    (line) => line.state === "reconnecting" && line.phase === "waiting" && line.attempt >= 5,
    { after },
  );
  assert.equal(waiting.line.failure?.code, "connection_refused");
  assert.ok(waiting.line.retry_at !== null, "no next retry");
  assert.ok((waiting.line.delay_ms ?? Infinity) <= MAX_DELAY_MS, `waits ${waiting.line.delay_ms} ms`);
  await sshd.run();
  const readyAt = performance.now();
  const back = await connectedAgain(events, "box", 3);
  const afterMs = back.at - readyAt;
  assert.ok(afterMs <= MAX_DELAY_MS + LOGIN_MS, `back ${afterMs} ms after the sshd`);
  const attempts = statesOf(events, "box")
    .filter(({ at, line }) => at >= after && line.state === "reconnecting")
    .map(({ line }) => line.attempt);
  assert.deepEqual(
    attempts,
    attempts.toSorted((one, other) => one - other),
  );
  return `away for ${attempts.at(-1)} attempts: back ${afterMs.toFixed(0)} ms after the sshd, epoch 3`;
}

/** The evidence of each outage, in numbers. */
function assertOutages(events: Awaited<ReturnType<typeof watch>>): void {
  const outages = outagesOf(events, "box");
  assert.equal(outages.length, 2, JSON.stringify(outages));
  for (const outage of outages) {
    assert.ok(outage.attempts >= 1 && outage.away_ms > 0, JSON.stringify(outage));
    assert.ok(outage.noticed_after_ms !== null && outage.noticed_after_ms >= 0, JSON.stringify(outage));
  }
  assert.ok((outages[1]?.attempts ?? 0) >= 5, JSON.stringify(outages[1]));
}

/** Nothing is told twice or out of order, and a forward that goes on says so. */
function assertNumbered(events: Awaited<ReturnType<typeof watch>>): void {
  const numbers = events.lines.flatMap(({ line }) => (line.type === "event" ? [line.seq] : []));
  for (const [index, number] of numbers.entries())
    assert.ok(index === 0 || number > (numbers[index - 1] ?? 0), `event ${number} is out of order`);
  const removed = eventsOf(events, "forward_removed");
  assert.deepEqual(removed, [], "the forward was removed");
}

/** Says so five times a second, until nobody listens to it. */
const TICKS = "while echo tick; do sleep 0.2; done";

async function runningCommands(scene: Scene): Promise<string> {
  const sshd = await Sshd.start(scene);
  const flags = sshd.flags(knownHosts(scene, sshd));
  await connectTo(scene, sshd.destination, { name: "box", flags });
  const commands = [
    scene.holdfast(["exec", "box", "--", "sh", "-c", TICKS]),
    scene.holdfast(["exec", "-t", "box", "--", "sh", "-c", TICKS]),
    scene.holdfast(["ssh", sshd.destination, ...flags, "--", "sh", "-c", TICKS]),
  ];
  const codes: (number | null)[] = [];
  for (const command of commands) await command.prints("tick");
  assert.ok(sshd.killConnections() > 0, "there was no connection to kill");
  const killedAt = performance.now();
  let latestMs = 0;
  for (const command of commands) {
    const end = await command.exits();
    codes.push(end.code);
    assert.equal(
      end.code,
      255,
      `holdfast ${command.name}: exit ${end.code} ${end.signal}\n${command.stderr}`,
    );
    assert.match(command.stderr, /lost|ended|link|connection/i, `holdfast ${command.name} says nothing`);
    latestMs = Math.max(latestMs, performance.now() - killedAt);
  }
  // The connection itself is back, and what is asked for next runs on it.
  const next = await scene.run(["exec", "box", "--", "sh", "-c", "exit 7"]);
  assert.equal(next.end?.code, 7, next.stderr);
  return `${codes.join(", ")} within ${latestMs.toFixed(0)} ms, each with a message; the next command ran`;
}

export const outages: readonly Act[] = [
  {
    name: "the sshd of a connection is killed, and away for a while",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => killedAndAway(scene)),
  },
  {
    name: "commands whose link dies end with 255 and say why",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => runningCommands(scene)),
  },
];
