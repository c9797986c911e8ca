// How long a tunnel takes to come back once its relay is back: the relay is killed, stays away for a while, and is
// started again; the clock runs from then to the first byte through the tunnel.
import { pause, until } from "../processes/condition.ts";
import { freePort } from "../processes/free-port.ts";
import type { Program } from "../processes/program.ts";
import type { Stage } from "./stage.ts";
import { Visitor } from "./visitor.ts";
import { ownLoopback, startBoreClient, startBoreRelay } from "./bore-way.ts";
import { relayPlace, startHoldfastClient, startHoldfastRelay } from "./holdfast-way.ts";
import { startRatholeClient, startRatholeRelay } from "./rathole-way.ts";
import { LOOPBACK, type Address } from "./address.ts";
import type { WayName } from "./ways.ts";
import { MODE } from "./wire.ts";

/** Milliseconds from the relay's return to the first byte, by who came back; `undefined`: the client had ended. */
export type Recovery = ReadonlyMap<string, readonly (number | undefined)[]>;

/** A relay that can be killed and started again, and the tunnels through it. */
interface Scene {
  readonly relay: Program;
  readonly restart: () => Promise<Program>;
  readonly tunnels: readonly Tunnel[];
}

interface Tunnel extends Address {
  readonly label: string;
  readonly client: Program;
}

/** A link that was up for 10 s counts as stable, and its loss as the first failure. */
const STABLE_MS = 11_000;
/** One dialect of each program. */
const RESTARTED: ReadonlySet<WayName> = new Set<WayName>(["bore", "rathole", "holdfast"]);
export const AS_IT_COMES = "holdfast, as it comes (waits up to 10 s)";
const SOONER = "holdfast, --max-reconnect-delay 1s";
/** What Holdfast's clients wait at most between two dials, by label. */
export const LONGEST_DELAY_MS: ReadonlyMap<string, number> = new Map([
  [AS_IT_COMES, 10_000],
  [SOONER, 1_000],
]);
const GIVE_UP_MS = 30_000;
const POLL_MS = 10;

export async function measureRecovery(
  stage: Stage,
  names: readonly WayName[],
  target: number,
  { outagesMs, tunnels }: { outagesMs: readonly number[]; tunnels: number },
): Promise<Recovery> {
  const found = new Map<string, (number | undefined)[]>();
  // The outages run side by side: what waits costs nothing.
  await Promise.all(
    outagesMs.map(async (outageMs) => {
      const scenes = await Promise.all(
        names.filter((name) => RESTARTED.has(name)).map((name) => open(stage, name, target, tunnels)),
      );
      await pause(STABLE_MS);
      await Promise.all(scenes.map(({ relay }) => relay.kill()));
      await pause(outageMs);
      await Promise.all(scenes.map((scene) => comeBack(scene, found)));
    }),
  );
  return found;
}

async function comeBack(scene: Scene, found: Map<string, (number | undefined)[]>): Promise<void> {
  await scene.restart();
  const returnedAt = performance.now();
  const times = await Promise.all(scene.tunnels.map((tunnel) => firstByte(tunnel, returnedAt)));
  for (const [index, { label }] of scene.tunnels.entries()) {
    found.set(label, [...(found.get(label) ?? []), times[index]]);
  }
}

async function firstByte(tunnel: Tunnel, returnedAt: number): Promise<number | undefined> {
  while (performance.now() - returnedAt < GIVE_UP_MS) {
    if (!tunnel.client.running) return undefined;
    if (await echoes(tunnel)) return performance.now() - returnedAt;
    await pause(POLL_MS);
  }
  throw new Error(`\`${tunnel.client.name}\` was not back after ${GIVE_UP_MS} ms`);
}

async function echoes(address: Address): Promise<boolean> {
  const visitor = Visitor.dial(address);
  visitor.write(Buffer.from(MODE.echo));
  try {
    await visitor.answer(1);
    return true;
  } catch {
    return false;
  } finally {
    visitor.close();
  }
}

async function open(stage: Stage, name: WayName, target: number, tunnels: number): Promise<Scene> {
  if (name === "holdfast") return openHoldfast(stage, target, tunnels);
  const scene =
    name === "bore" ? await openBore(stage, target, tunnels) : await openRathole(stage, target, tunnels);
  for (const tunnel of scene.tunnels) await until(`an echo through ${name}`, () => echoes(tunnel));
  return scene;
}

async function openHoldfast(stage: Stage, target: number, tunnels: number): Promise<Scene> {
  const place = await relayPlace(stage);
  const restart = async (): Promise<Program> => (await startHoldfastRelay(stage, place)).program;
  const relay = await startHoldfastRelay(stage, place);
  const start = async (label: string, more: readonly string[]): Promise<Tunnel> => {
    const { client, ports } = await startHoldfastClient(stage, relay, "native", [target], more);
    return { label, host: LOOPBACK, port: ports[0] ?? 0, client };
  };
  const all: Tunnel[] = [];
  for (let i = 0; i < tunnels; i++) {
    all.push(await start(AS_IT_COMES, []));
    all.push(await start(SOONER, ["--max-reconnect-delay", "1s"]));
  }
  return { relay: relay.program, restart, tunnels: all };
}

async function openBore(stage: Stage, target: number, tunnels: number): Promise<Scene> {
  const host = ownLoopback();
  const restart = (): Promise<Program> => startBoreRelay(stage, host);
  const relay = await restart();
  const all = Array.from({ length: tunnels }, async () => {
    return { label: "bore", host, ...(await startBoreClient(stage, host, target)) };
  });
  return { relay, restart, tunnels: await Promise.all(all) };
}

/** One service each: its clients ask for a service by name. */
async function openRathole(stage: Stage, target: number, tunnels: number): Promise<Scene> {
  const control = await freePort();
  const ports: number[] = [];
  for (let i = 0; i < tunnels; i++) ports.push(await freePort());
  const restart = (): Promise<Program> => startRatholeRelay(stage, control, ports);
  const relay = await restart();
  const client = await startRatholeClient(
    stage,
    control,
    ports.map(() => target),
  );
  return {
    relay,
    restart,
    tunnels: ports.map((port) => ({ label: "rathole", host: LOOPBACK, port, client })),
  };
}
