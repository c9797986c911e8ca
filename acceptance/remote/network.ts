// A real network between the daemon's machine and the sshds: a cable that is pulled, packets that vanish, an address
// that leaves; and a link that is open and dead.
import assert from "node:assert/strict";
import { startFaultyProxy, startNetworkLab, type NetworkLab } from "@holdfast/net/testing";
import { pause } from "../harness/condition.ts";
import type { Command } from "../harness/command.ts";
import { ListSampler } from "../harness/list-sampler.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { echoes, echoService } from "../harness/service.ts";
import { needing } from "../harness/skip.ts";
import { knownHosts, Sshd, SSHD_PROGRAMS } from "../harness/sshd.ts";
import { servesAgain } from "../harness/tunnel-state.ts";
import {
  connectedAgain,
  connectTo,
  forwardTo,
  state,
  statesOf,
  watch,
  type ConnectionState,
} from "./stage.ts";

const SSHDS = 4;
const EACH = 5;
const FIRST_PORT = 2_200;
const OUTAGE_MS = 30_000;
/** What reference numbers promise: a machine that sees its network return, and one that nobody tells. */
const SEEN_MS = 2_000;
const MAX_DELAY_MS = 10_000;
const DIAL_TIMEOUT_MS = 10_000;
/** The machine's addresses are looked at once a second; keepalives alone would take eight. */
const ADDRESS_MS = 3_000;
/** `timeout + 10 %`, and the time that an event takes to be printed on a machine that is busy. */
const OVER = 1.1;
const PRINT_MS = 250;

interface Fleet {
  readonly lab: NetworkLab;
  readonly names: readonly string[];
  readonly events: Command;
}

/** Twenty connections from the near machine to four sshds on the far one. */
async function launchFleet(scene: Scene): Promise<Fleet> {
  const lab = await startNetworkLab();
  scene.onEnd(() => lab.close());
  const { near, far } = lab;
  const sshds = await Promise.all(
    Array.from({ length: SSHDS }, (_, at) =>
      Sshd.start(scene, { port: FIRST_PORT + at, address: far.address, on: far }),
    ),
  );
  const known = knownHosts(scene, ...sshds);
  const names: string[] = [];
  // The first command starts the daemon, on the machine that it runs on.
  for (let round = 0; round < EACH; round++) {
    const connecting = sshds.map((sshd, at) => {
      const name = `box-${round * SSHDS + at + 1}`;
      names.push(name);
      return connectTo(scene, sshd.destination, { name, flags: ["--new", ...sshd.flags(known)], on: near });
    });
    await Promise.all(connecting);
  }
  return { lab, names, events: await watch(scene) };
}

/** When each was noticed to be away, and back, after these moments; in milliseconds, the slowest last. */
async function everybody(
  { names, events }: Fleet,
  what: string,
  after: number,
  fits: (line: ConnectionState) => boolean,
  deadlineMs: number,
): Promise<number[]> {
  const found = await Promise.all(
    names.map((name) => state(events, name, what, fits, { after, deadlineMs })),
  );
  return found.map(({ at }) => at - after).toSorted((one, other) => one - other);
}

const isAway = ({ state: now }: ConnectionState): boolean => now === "reconnecting";
const isBack = ({ state: now, epoch }: ConnectionState): boolean => now === "connected" && epoch === 2;

interface FleetOutage {
  readonly begin: (lab: NetworkLab) => Promise<void>;
  /** How late the last one may be. */
  readonly withinMs: number;
}

async function fleetReturns(scene: Scene, { begin, withinMs }: FleetOutage): Promise<string> {
  const fleet = await launchFleet(scene);
  const { lab, events, names } = fleet;
  const sampler = new ListSampler(scene);
  const timeoutMs = Math.max(...names.map((name) => livenessOf(events, name)));
  const begunAt = performance.now();
  await begin(lab);
  const noticed = await everybody(fleet, "away", begunAt, isAway, OUTAGE_MS);
  const slowestMs = noticed.at(-1) ?? Infinity;
  assert.ok(slowestMs <= timeoutMs * OVER + PRINT_MS, `noticed only after ${slowestMs} ms of ${timeoutMs}`);
  // How long the outage lasts is the thing that is tested.
  await pause(OUTAGE_MS - slowestMs);
  assert.deepEqual(
    names.filter((name) => statesOf(events, name).some(({ line }) => isBack(line))),
    [],
    "back too early",
  );
  const healedAt = performance.now();
  await lab.heal();
  const back = await everybody(fleet, "back", healedAt, isBack, withinMs + DIAL_TIMEOUT_MS);
  const [first = 0, last = Infinity] = [back[0], back.at(-1)];
  assert.ok(last <= withinMs, `the last was back after ${last} ms: ${back.map(Math.round).join(" ")}`);
  return (
    `${names.length} noticed within ${slowestMs.toFixed(0)} ms, back ${first.toFixed(0)} to ${last.toFixed(0)} ms ` +
    `after an outage of ${OUTAGE_MS / 1_000} s; ${await sampler.stop()}`
  );
}

/** As the list names it. */
function livenessOf(events: Command, name: string): number {
  const entries = events.lines.flatMap(({ line }) => (line.type === "snapshot" ? line.entries : []));
  const entry = entries.find((each) => each.type === "connection" && each.name === name);
  assert.ok(
    entry?.type === "connection" && entry.liveness_timeout_ms !== null,
    `${name} has no liveness timeout`,
  );
  return entry.liveness_timeout_ms;
}

async function addressLeaves(scene: Scene): Promise<string> {
  const lab = await startNetworkLab();
  scene.onEnd(() => lab.close());
  const { near, far } = lab;
  const sshd = await Sshd.start(scene, { port: FIRST_PORT, address: far.address, on: far });
  const flags = sshd.flags(knownHosts(scene, sshd));
  await connectTo(scene, sshd.destination, { name: "box", flags, on: near });
  const events = await watch(scene);
  const sampler = new ListSampler(scene);
  const leftAt = performance.now();
  await lab.removeAddress();
  const lost = await state(events, "box", "away", isAway, { after: leftAt });
  const noticedMs = lost.at - leftAt;
  assert.ok(noticedMs < ADDRESS_MS, `noticed only after ${noticedMs} ms: by silence, not by its addresses`);
  await lab.addAddress();
  const addedAt = performance.now();
  const back = await connectedAgain(events, "box", 2);
  const backMs = back.at - addedAt;
  assert.ok(backMs <= SEEN_MS, `back only ${backMs} ms after the address`);
  return `noticed after ${noticedMs.toFixed(0)} ms, back ${backMs.toFixed(0)} ms after the address; ${await sampler.stop()}`;
}

/** Nothing comes any more, and both ends believe that the connection is there. */
async function halfOpen(scene: Scene): Promise<string> {
  const sshd = await Sshd.start(scene);
  const target = await echoService(scene);
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: sshd.port } });
  scene.onEnd(() => proxy.close());
  if (!("port" in proxy.endpoint)) throw new Error("the proxy has no port");
  const { port } = proxy.endpoint;
  const known = scene.file("known_hosts", `[127.0.0.1]:${port} ${sshd.publicHostKey}\n`);
  const flags = [...sshd.flags(known), "--heartbeat-interval", "1s", "--max-heartbeat-failures", "2"];
  await connectTo(scene, `ssh://${sshd.user}@127.0.0.1:${port}`, { name: "box", flags });
  const events = await watch(scene);
  const sampler = new ListSampler(scene);
  const timeoutMs = livenessOf(events, "box");
  const forward = await forwardTo(scene, "box", target);
  assert.ok(await echoes(forward.port), "the forward carries nothing");
  const silentAt = performance.now();
  proxy.apply({ kind: "half_open" });
  const lost = await state(events, "box", "away", isAway, { after: silentAt });
  const noticedMs = lost.at - silentAt;
  assert.ok(noticedMs <= timeoutMs * OVER + PRINT_MS, `noticed only after ${noticedMs} ms of ${timeoutMs}`);
  // Whoever comes meanwhile waits for the next link.
  const waiting = echoes(forward.port, DIAL_TIMEOUT_MS + MAX_DELAY_MS);
  await proxy.heal();
  await connectedAgain(events, "box", 2);
  assert.ok(await waiting, "a visitor of the gap was not served");
  await servesAgain(forward.port);
  return `noticed after ${noticedMs.toFixed(0)} ms of ${timeoutMs}, a visitor of the gap was served; ${await sampler.stop()}`;
}

const NEEDS = { programs: [...SSHD_PROGRAMS, "ip"], lab: true };

export const network: readonly Act[] = [
  {
    name: "twenty connections, the cable pulled for 30 s",
    play: (scene) =>
      needing(NEEDS, () => fleetReturns(scene, { begin: (lab) => lab.cut(), withinMs: SEEN_MS })),
  },
  {
    name: "twenty connections, every packet dropped for 30 s",
    play: (scene) =>
      needing(NEEDS, () =>
        fleetReturns(scene, { begin: (lab) => lab.drop(), withinMs: MAX_DELAY_MS + DIAL_TIMEOUT_MS }),
      ),
  },
  {
    name: "the address of the daemon's machine leaves and comes back",
    play: (scene) => needing(NEEDS, () => addressLeaves(scene)),
  },
  {
    name: "half-open: an ssh connection that is open and dead",
    play: (scene) => needing({ programs: SSHD_PROGRAMS }, () => halfOpen(scene)),
  },
];
