// A container that is restarted, removed and replaced, and an engine that is killed, with a real podman.
import assert from "node:assert/strict";
import type { Command } from "../harness/command.ts";
import { ListSampler } from "../harness/list-sampler.ts";
import { PodmanService } from "../harness/podman-service.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { echoes, echoService } from "../harness/service.ts";
import { needing } from "../harness/skip.ts";
import { servesAgain } from "../harness/tunnel-state.ts";
import {
  connectedAgain,
  connectTo,
  forwardTo,
  listedConnection,
  state,
  succeeds,
  watch,
  type ConnectionState,
} from "./stage.ts";

const PROGRAMS = ["podman", "runc", "busybox", "perl", "curl", "pgrep"];
const NAME = "holdfast-acceptance-box";
/** The engine tells of a start up to a second late; a dial runs some commands in the container. */
const WOKEN_MS = 3_000;
/** So long is the wait that a start must interrupt: nobody would be back within `WOKEN_MS` by himself. */
const LONG_WAIT_MS = 4_000;

interface Contained {
  readonly podman: PodmanService;
  readonly events: Command;
  readonly sampler: ListSampler;
  readonly id: number;
}

/** Connected to a container that runs. */
async function contained(scene: Scene): Promise<Contained> {
  const podman = new PodmanService();
  scene.onEnd(() => podman.end());
  await podman.start();
  podman.container(NAME);
  const flags = ["--option", `socket=${podman.socket}`];
  const { id } = await connectTo(scene, `docker://${NAME}`, { name: "box", flags });
  return { podman, events: await watch(scene), sampler: new ListSampler(scene), id };
}

async function lifeOfContainer(scene: Scene): Promise<string> {
  const { podman, events, sampler, id } = await contained(scene);
  const forward = await forwardTo(scene, "box", await echoService(scene));
  assert.ok(await echoes(forward.port), "the forward carries nothing");
  await ran(scene, "made by the first", "> /tmp/mark");

  podman.podman("restart", "--time", "0", NAME);
  await connectedAgain(events, "box", 2);
  await servesAgain(forward.port);

  const stopped = await awayAfter(events, "container_stopped", () =>
    podman.podman("stop", "--time", "0", NAME),
  );
  assert.match(stopped.failure?.message ?? "", new RegExp(NAME));
  assert.equal(podman.podman("inspect", "--format", "{{.State.Running}}", NAME), "false", "we started it");
  podman.podman("start", NAME);
  const started = performance.now();
  const woken = await connectedAgain(events, "box", 3);
  assert.ok(woken.at - started <= WOKEN_MS, `back only ${woken.at - started} ms after its start`);
  await servesAgain(forward.port);

  const removed = await awayAfter(events, "no_such_container", () =>
    podman.podman("rm", "--force", "--time", "0", NAME),
  );
  assert.match(removed.failure?.message ?? "", new RegExp(NAME));
  podman.container(NAME);
  const replacedAt = performance.now();
  const back = await connectedAgain(events, "box", 4);
  assert.equal(back.line.id, id);
  const backMs = back.at - replacedAt;
  assert.ok(backMs <= WOKEN_MS, `back only ${backMs} ms after another one had its name`);
  const look = await scene.run(["exec", "box", "--", "sh", "-c", "test -e /tmp/mark && exit 9; exit 5"]);
  assert.equal(look.end?.code, 5, `this is not the new container: ${look.stderr}`);
  await servesAgain(forward.port);
  const seen = await sampler.stop();
  return (
    `restarted: epoch 2; stopped: waited, woken ${(woken.at - started).toFixed(0)} ms after its start; removed: waited; ` +
    `replaced: epoch 4 after ${backMs.toFixed(0)} ms; ${seen}`
  );
}

/** It is away, with this reason, and waits for its next retry. */
async function awayAfter(events: Command, code: string, strike: () => void): Promise<ConnectionState> {
  const after = performance.now();
  strike();
  const fits = (line: ConnectionState): boolean =>
    line.state === "reconnecting" && line.phase === "waiting" && line.failure?.code === code;
  await state(events, "box", `away with ${code}`, fits, { after });
  const { line } = await state(
    events,
    "box",
    `waits for long with ${code}`,
    (each) => fits(each) && (each.delay_ms ?? 0) > LONG_WAIT_MS,
    { after, deadlineMs: 90_000 },
  );
  assert.ok(line.retry_at !== null, "no next retry");
  return line;
}

async function ran(scene: Scene, text: string, rest: string): Promise<void> {
  await succeeds(scene, ["exec", "box", "--", "sh", "-c", `echo ${text} ${rest}`]);
}

/** Says so five times a second. */
const TICKS = "while echo tick; do sleep 0.2; done";

async function engineKilled(scene: Scene): Promise<string> {
  const { podman, events, sampler, id } = await contained(scene);
  const forward = await forwardTo(scene, "box", await echoService(scene));
  assert.ok(await echoes(forward.port), "the forward carries nothing");
  const running = scene.holdfast(["exec", "box", "--", "sh", "-c", TICKS]);
  await running.prints("tick");
  const after = performance.now();
  await podman.kill();
  const lost = await state(events, "box", "away", (line) => line.state === "reconnecting", { after });
  const noticedMs = lost.at - after;
  assert.ok(noticedMs <= WOKEN_MS, `noticed only after ${noticedMs} ms`);
  const end = await running.exits();
  assert.equal(end.code, 255, `exec: ${end.code} ${running.stderr}`);
  assert.notEqual(running.stderr, "", "exec said nothing");
  // Whoever comes meanwhile waits for the next link.
  const waiting = echoes(forward.port, 30_000);
  await podman.start();
  const startedAt = performance.now();
  const back = await connectedAgain(events, "box", 2);
  assert.equal(back.line.id, id);
  assert.ok(await waiting, "a visitor of the gap was not served");
  assert.equal((await listedConnection(scene, "box"))?.state, "connected");
  return (
    `noticed after ${noticedMs.toFixed(0)} ms, exec ended with 255; back ${(back.at - startedAt).toFixed(0)} ms after ` +
    `the engine, a visitor of the gap was served; ${await sampler.stop()}`
  );
}

export const containers: readonly Act[] = [
  {
    name: "a container is restarted, stopped, removed, and replaced by another",
    play: (scene) => needing({ programs: PROGRAMS }, () => lifeOfContainer(scene)),
  },
  {
    name: "podman's service is killed",
    play: (scene) => needing({ programs: PROGRAMS }, () => engineKilled(scene)),
  },
];
