// What relay and client take when nothing moves: with one tunnel, for each further one, and for each open visitor.
import { until } from "../processes/condition.ts";
import { freePort } from "../processes/free-port.ts";
import type { Memory, Program } from "../processes/program.ts";
import type { Stage } from "./stage.ts";
import { median } from "../statistics.ts";
import { Visitor } from "./visitor.ts";
import { ownLoopback, startBoreClient, startBoreRelay } from "./bore-way.ts";
import { startHoldfastClient, startRelayAgain } from "./holdfast-way.ts";
import { startRatholeClient, startRatholeRelay } from "./rathole-way.ts";
import { LOOPBACK, type Address } from "./address.ts";
import { dialectOf, type WayName } from "./ways.ts";
import { MODE } from "./wire.ts";

export interface MemoryFigures {
  readonly name: WayName;
  /** One of each, with one idle tunnel. */
  readonly relay: Memory;
  readonly client: Memory;
  /** Relay and client together, for each further tunnel. */
  readonly perTunnel: Memory;
  /** Relay and client together, for each visitor that is connected and silent. */
  readonly perVisitor: Memory;
}

/** Every process of a way, relay first. */
interface Open extends Address {
  readonly programs: readonly Program[];
}

const FURTHER_TUNNELS = 15;
const VISITORS = 400;

/** Medians of so many relays and clients, each measured afresh: a heap grows in steps of its own. */
export async function measureMemory(
  onFreshStage: <T>(use: (stage: Stage, target: number) => Promise<T>) => Promise<T>,
  name: WayName,
  times: number,
): Promise<MemoryFigures> {
  const all: MemoryFigures[] = [];
  for (let i = 0; i < times; i++) {
    all.push(await onFreshStage((stage, target) => measureOnce(stage, name, target)));
  }
  const middle = (of: (figures: MemoryFigures) => Memory): Memory => ({
    resident: median(all.map((figures) => of(figures).resident)),
    anonymous: median(all.map((figures) => of(figures).anonymous)),
  });
  return {
    name,
    relay: middle(({ relay }) => relay),
    client: middle(({ client }) => client),
    perTunnel: middle(({ perTunnel }) => perTunnel),
    perVisitor: middle(({ perVisitor }) => perVisitor),
  };
}

async function measureOnce(stage: Stage, name: WayName, target: number): Promise<MemoryFigures> {
  const one = await openTunnels(stage, name, target, 1);
  const [relay, client] = await settled(one.programs);
  if (relay === undefined || client === undefined) throw new Error(`${name} has no relay and client`);
  const visitors = Array.from({ length: VISITORS }, () => Visitor.dial(one));
  for (const visitor of visitors) {
    visitor.write(Buffer.from(MODE.echo));
    await visitor.answer(1);
  }
  const visited = sum(await settled(one.programs));
  for (const visitor of visitors) visitor.close();
  const many = await openTunnels(stage, name, target, 1 + FURTHER_TUNNELS);
  const all = sum(await settled(many.programs));
  const idle = sum([relay, client]);
  return {
    name,
    relay,
    client,
    perTunnel: share(all, idle, FURTHER_TUNNELS),
    perVisitor: share(visited, idle, VISITORS),
  };
}

async function openTunnels(stage: Stage, name: WayName, target: number, count: number): Promise<Open> {
  const targets = Array.from({ length: count }, () => target);
  const dialect = dialectOf(name);
  if (dialect !== undefined) {
    const relay = await startRelayAgain(stage);
    const { client, ports } = await startHoldfastClient(stage, relay, dialect, targets);
    return { host: LOOPBACK, port: ports[0] ?? 0, programs: [relay.program, client] };
  }
  switch (name) {
    case "bore": {
      const host = ownLoopback();
      const relay = await startBoreRelay(stage, host);
      const clients = await Promise.all(targets.map((port) => startBoreClient(stage, host, port)));
      return { host, port: clients[0]?.port ?? 0, programs: [relay, ...clients.map(({ client }) => client)] };
    }
    case "rathole": {
      const control = await freePort();
      const ports = await Promise.all(targets.map(() => freePort()));
      const relay = await startRatholeRelay(stage, control, ports);
      const client = await startRatholeClient(stage, control, targets);
      await until(
        "every service of rathole",
        () => relay.output.split("Control channel established").length > count,
      );
      return { host: LOOPBACK, port: ports[0] ?? 0, programs: [relay, client] };
    }
    default:
      throw new Error("nothing stands between direct visitors and the service");
  }
}

/** What each takes, once the sum moves by less than one part in a hundred within half a second. */
export async function settled(programs: readonly Program[]): Promise<Memory[]> {
  const STILL_MS = 500;
  let last = Number.NaN;
  let since = performance.now();
  return until("memory that stands still", () => {
    const now = programs.map((program) => program.memory());
    const { resident } = sum(now);
    if (!(Math.abs(resident - last) <= last / 100)) {
      last = resident;
      since = performance.now();
    }
    return performance.now() - since >= STILL_MS && now;
  });
}

export function sum(all: readonly Memory[]): Memory {
  return {
    resident: all.reduce((total, { resident }) => total + resident, 0),
    anonymous: all.reduce((total, { anonymous }) => total + anonymous, 0),
  };
}

function share(more: Memory, less: Memory, count: number): Memory {
  return {
    resident: (more.resident - less.resident) / count,
    anonymous: (more.anonymous - less.anonymous) / count,
  };
}
