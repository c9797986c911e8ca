// The ways to a service that are compared: none in between, or a tunnel of each kind. Every tunnel has a relay and a
// client of its own, as published and with their defaults.
import { freePort } from "../processes/free-port.ts";
import type { Program } from "../processes/program.ts";
import { LOOPBACK, type Address } from "./address.ts";
import { BORE_PORT, ownLoopback, startBoreClient, startBoreRelay } from "./bore-way.ts";
import { startHoldfastClient, startHoldfastRelay, type Dialect } from "./holdfast-way.ts";
import { alongPath, type Path } from "./path.ts";
import { findPeer } from "./peers.ts";
import { startRatholeClient, startRatholeRelay } from "./rathole-way.ts";
import type { Stage } from "./stage.ts";

export type WayName = "direct" | "bore" | "rathole" | "holdfast" | "holdfast-tls" | "holdfast-bore";

/** A way to one service. */
export interface Way extends Address {
  readonly name: WayName;
  /** Relay and client. */
  readonly programs: readonly Program[];
}

/** `holdfast` is the native dialect without TLS, as on one machine; `holdfast-bore` speaks bore's wire. */
const DIALECTS: Readonly<Partial<Record<WayName, Dialect>>> = {
  holdfast: "native",
  "holdfast-tls": "native over TLS",
  "holdfast-bore": "bore",
};

const ALL: readonly WayName[] = ["direct", "bore", "rathole", "holdfast", "holdfast-tls", "holdfast-bore"];

/** The ways that this machine has. */
export function presentWays(): WayName[] {
  return ALL.filter((name) => (name !== "bore" && name !== "rathole") || findPeer(name) !== undefined);
}

/** What a way of Holdfast's speaks; nothing for the others. */
export function dialectOf(name: WayName): Dialect | undefined {
  return DIALECTS[name];
}

/** With a path, the long way is between client and relay; without a tunnel, between visitor and service. */
export async function openWay(stage: Stage, name: WayName, target: number, path?: Path): Promise<Way> {
  const dialect = dialectOf(name);
  if (dialect !== undefined) return openHoldfast(stage, name, { dialect, target, path });
  if (name === "bore") return openBore(stage, target, path);
  if (name === "rathole") return openRathole(stage, target, path);
  return { name, ...(await alongPath(stage, path, { host: LOOPBACK, port: target })), programs: [] };
}

async function openHoldfast(
  stage: Stage,
  name: WayName,
  { dialect, target, path }: { dialect: Dialect; target: number; path: Path | undefined },
): Promise<Way> {
  const relay = await startHoldfastRelay(stage);
  const { port, borePort } = relay.place;
  const near = await alongPath(stage, path, { host: LOOPBACK, port: dialect === "bore" ? borePort : port });
  const { client, ports } = await startHoldfastClient(stage, relay, dialect, [target], [], near.port);
  return { name, host: LOOPBACK, port: ports[0] ?? 0, programs: [relay.program, client] };
}

/** bore's client knows one port only, so the path has that of the relay on an address of its own. */
async function openBore(stage: Stage, target: number, path: Path | undefined): Promise<Way> {
  const host = ownLoopback();
  const relay = await startBoreRelay(stage, host);
  const at = { host, port: BORE_PORT };
  const near = path === undefined ? at : await alongPath(stage, path, at, { ...at, host: ownLoopback() });
  const { client, port } = await startBoreClient(stage, near.host, target);
  return { name: "bore", host, port, programs: [relay, client] };
}

async function openRathole(stage: Stage, target: number, path: Path | undefined): Promise<Way> {
  const [control, port] = [await freePort(), await freePort()];
  const relay = await startRatholeRelay(stage, control, [port]);
  const near = await alongPath(stage, path, { host: LOOPBACK, port: control });
  const client = await startRatholeClient(stage, near.port, [target]);
  await relay.says(/Control channel established/);
  return { name: "rathole", host: LOOPBACK, port, programs: [relay, client] };
}
