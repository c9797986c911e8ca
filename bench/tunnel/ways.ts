// The ways to a service that are compared: none in between, or a tunnel of each kind. Every tunnel has a relay and a
// client of its own, as published and with their defaults.
import { freePort } from "../processes/free-port.ts";
import type { Program } from "../processes/program.ts";
import { LOOPBACK, type Address } from "./address.ts";
import { ownLoopback, startBoreClient, startBoreRelay } from "./bore-way.ts";
import { startHoldfastClient, startHoldfastRelay, type Dialect } from "./holdfast-way.ts";
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

export async function openWay(stage: Stage, name: WayName, target: number): Promise<Way> {
  const dialect = dialectOf(name);
  if (dialect !== undefined) return openHoldfast(stage, name, dialect, target);
  if (name === "bore") return openBore(stage, target);
  if (name === "rathole") return openRathole(stage, target);
  return { name, host: LOOPBACK, port: target, programs: [] };
}

async function openHoldfast(stage: Stage, name: WayName, dialect: Dialect, target: number): Promise<Way> {
  const relay = await startHoldfastRelay(stage);
  const { client, ports } = await startHoldfastClient(stage, relay, dialect, [target]);
  return { name, host: LOOPBACK, port: ports[0] ?? 0, programs: [relay.program, client] };
}

async function openBore(stage: Stage, target: number): Promise<Way> {
  const host = ownLoopback();
  const relay = await startBoreRelay(stage, host);
  const { client, port } = await startBoreClient(stage, host, target);
  return { name: "bore", host, port, programs: [relay, client] };
}

async function openRathole(stage: Stage, target: number): Promise<Way> {
  const [control, port] = [await freePort(), await freePort()];
  const relay = await startRatholeRelay(stage, control, [port]);
  const client = await startRatholeClient(stage, control, [target]);
  await relay.says(/Control channel established/);
  return { name: "rathole", host: LOOPBACK, port, programs: [relay, client] };
}
