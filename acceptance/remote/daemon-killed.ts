// The daemon is killed without a chance to say goodbye while commands use it: each of them goes on by itself.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { startFaultyProxy } from "@holdfast/net/testing";
import { until } from "../harness/condition.ts";
import type { Command } from "../harness/command.ts";
import { fateOf } from "../harness/fate.ts";
import { ListSampler } from "../harness/list-sampler.ts";
import { patternHash } from "../harness/pattern.ts";
import { isRunning, processesOf } from "../harness/processes.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { download, patternService } from "../harness/service.ts";
import { needing } from "../harness/skip.ts";
import { knownHosts, Sshd, SSHD_PROGRAMS } from "../harness/sshd.ts";
import {
  connectTo,
  daemonPid,
  forwardTo,
  listedConnection,
  listedForward,
  portOf,
  statesOf,
  watch,
  type Connection,
} from "./stage.ts";

/** More than can have come by the time of the kill. */
const ENDLESS_BYTES = 64e9;
const UNDER_WAY_BYTES = 2_000_000;
const WHOLE_BYTES = 5_000_003;
const SEED = 11;

/** A download that cannot be over before it is broken. */
class LongDownload {
  bytes = 0;
  readonly fate: Promise<string>;

  constructor(scene: Scene, port: number) {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("connect", () => socket.write(`${SEED} ${ENDLESS_BYTES}\n`));
    socket.on("data", (chunk: Buffer) => (this.bytes += chunk.length));
    this.fate = fateOf(socket);
    scene.onEnd(() => void socket.destroy());
  }
}

async function isWhole(port: number): Promise<boolean> {
  const { bytes, hash } = await download(port, SEED, WHOLE_BYTES).catch(() => ({ bytes: 0, hash: "" }));
  return bytes === WHOLE_BYTES && hash === patternHash(SEED, WHOLE_BYTES);
}

/** The last that was told of a connection since then, in a snapshot or in an event. */
function told(events: Command, name: string, after: number): Omit<Connection, "type"> | undefined {
  const inSnapshots = events.lines.flatMap(({ at, line }) =>
    line.type === "snapshot" && at >= after
      ? line.entries.flatMap((entry) =>
          entry.type === "connection" && entry.name === name ? [{ at, line: entry }] : [],
        )
      : [],
  );
  const all = [...inSnapshots, ...statesOf(events, name).filter(({ at }) => at >= after)];
  return all.toSorted((one, other) => one.at - other.at).at(-1)?.line;
}

/** A connect that gets no answer from the far side before `heal`. */
async function connectUnderWay(
  scene: Scene,
  sshd: Sshd,
  events: Command,
): Promise<{ command: Command; heal: () => Promise<void> }> {
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: sshd.port } });
  scene.onEnd(() => proxy.close());
  if (!("port" in proxy.endpoint)) throw new Error("the proxy has no port");
  proxy.blackhole();
  const { port } = proxy.endpoint;
  const known = scene.file("known_hosts_slow", `[127.0.0.1]:${port} ${sshd.publicHostKey}\n`);
  const destination = `ssh://${sshd.user}@127.0.0.1:${port}`;
  const command = scene.holdfast(["connect", destination, "--name", "slow", "--json", ...sshd.flags(known)]);
  await until("the dial has begun", () => proxy.acceptedCount > 0 && told(events, "slow", 0) !== undefined);
  return { command, heal: () => proxy.heal() };
}

async function killedUnderCommands(scene: Scene): Promise<string> {
  const sshd = await Sshd.start(scene);
  const target = await patternService(scene);
  const made = await connectTo(scene, sshd.destination, {
    name: "box",
    flags: sshd.flags(knownHosts(scene, sshd)),
  });
  const sampler = new ListSampler(scene);
  const events = await watch(scene);
  const kept = await forwardTo(scene, "box", target);
  const forward = scene.holdfast(["forward", "box", `127.0.0.1:0:127.0.0.1:${target}`, "--json"]);
  const port = portOf((await forward.line("forward", ({ state }) => state === "listening")).line);
  const broken = new LongDownload(scene, port);
  await until("the download is under way", () => broken.bytes > UNDER_WAY_BYTES);
  const slow = await connectUnderWay(scene, sshd, events);

  const pid = await daemonPid(scene);
  process.kill(pid, "SIGKILL");
  const killedAt = performance.now();
  await until("the daemon is gone", () => !isRunning(pid));
  await slow.heal();
  const fate = await broken.fate;
  assert.ok(broken.bytes < ENDLESS_BYTES, "the download was not broken");

  await until(
    "events tells of the connection again",
    () => told(events, "box", killedAt)?.state === "connected",
  );
  const toldMs = performance.now() - killedAt;
  const again = await listedConnection(scene, "box");
  assert.deepEqual([again?.state, again?.id, again?.destination], ["connected", made.id, made.destination]);
  const newPid = await daemonPid(scene);
  assert.notEqual(newPid, pid, "it is the killed daemon");
  const ended = await slow.command.exits();
  assert.equal(ended.code, 0, `connect: ${slow.command.stderr}`);
  const { line: late } = await slow.command.line("connection");
  assert.equal(late.state, "connected");
  assert.notEqual(late.id, made.id, "an id was given twice");
  assert.equal((await listedConnection(scene, "slow"))?.id, late.id);

  await until(`the forward at port ${port} works again`, () => isWhole(port));
  await until(`the kept forward at port ${kept.port} works again`, () => isWhole(kept.port));
  const servedMs = performance.now() - killedAt;
  assert.deepEqual((await listedForward(scene, kept.id))?.listen?.port, kept.port);
  for (const command of [events, forward]) {
    assert.ok(command.running, `holdfast ${command.name} ended: ${command.end?.code} ${command.stderr}`);
    assert.ok(isRunning(command.pid));
  }
  const seen = await sampler.stop();
  forward.kill("SIGTERM");
  assert.equal((await forward.exits()).code, 0, forward.stderr);
  return (
    `events told of connection ${made.id} again after ${toldMs.toFixed(0)} ms; the download broke off (${fate}) after ` +
    `${(broken.bytes / 1e6).toFixed(0)} MB; connect went on; both forwards whole at their ports after ` +
    `${servedMs.toFixed(0)} ms; ${seen}`
  );
}

async function stoppedInOrder(scene: Scene): Promise<string> {
  const sshd = await Sshd.start(scene);
  const target = await patternService(scene);
  const flags = sshd.flags(knownHosts(scene, sshd));
  const made = await connectTo(scene, sshd.destination, { name: "box", flags });
  const kept = await forwardTo(scene, "box", target);
  const before = await daemonPid(scene);
  assert.equal((await scene.run(["daemon", "restart", "--json"])).end?.code, 0);
  const after = await daemonPid(scene);
  assert.ok(before !== after && !isRunning(before), "the daemon is the same");
  const again = await until("connected", async () => {
    const entry = await listedConnection(scene, "box");
    return entry?.state === "connected" && entry;
  });
  assert.equal(again.id, made.id);
  assert.ok(await isWhole(kept.port), "the kept forward does not work");
  assert.equal((await scene.run(["disconnect", "box", "--json"])).end?.code, 0);
  await until("it is gone", async () => (await listedConnection(scene, "box")) === undefined);
  assert.equal((await scene.run(["daemon", "stop", "--json"])).end?.code, 0);
  await until("the daemon is gone", () => !isRunning(after));
  assert.deepEqual(scene.leftSockets(), [], "a socket file was left");
  assert.deepEqual(processesOf(scene.home), [], "a process was left");
  return `a restart kept id ${made.id} and port ${kept.port}; after disconnect and stop nothing was left`;
}

export const daemonKilled: readonly Act[] = [
  {
    name: "kill -9 of the daemon during events, a forward with a download, and a connect",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => killedUnderCommands(scene)),
  },
  {
    name: "a restart keeps connections and forwards, a stop leaves nothing behind",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => stoppedInOrder(scene)),
  },
];
