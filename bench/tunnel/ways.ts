// The ways to a service that are compared: none in between, or a tunnel of each kind. Every tunnel has a relay and a
// client of its own, as published and with their defaults.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../processes/free-port.ts";
import type { Program } from "../processes/program.ts";
import { findPeer } from "./peers.ts";
import type { Stage } from "./stage.ts";

export type WayName = "direct" | "bore" | "rathole" | "holdfast";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A way to one service. */
export interface Way extends Address {
  readonly name: WayName;
  /** Relay and client. */
  readonly programs: readonly Program[];
}

export const LOOPBACK = "127.0.0.1";

/** The ways that this machine has. */
export function presentWays(): WayName[] {
  const all: WayName[] = ["direct", "bore", "rathole", "holdfast"];
  return all.filter((name) => name === "direct" || name === "holdfast" || findPeer(name) !== undefined);
}

export async function openWay(stage: Stage, name: WayName, target: number): Promise<Way> {
  switch (name) {
    case "direct":
      return { name, host: LOOPBACK, port: target, programs: [] };
    case "holdfast":
      return openHoldfast(stage, target);
    case "bore":
      return openBore(stage, target);
    case "rathole":
      return openRathole(stage, target);
  }
}

async function openHoldfast(stage: Stage, target: number): Promise<Way> {
  const borePort = await freePort();
  const relay = await startHoldfastRelay(stage, borePort);
  const { client, ports } = await startHoldfastClient(stage, borePort, [target]);
  return { name: "holdfast", host: LOOPBACK, port: ports[0] ?? 0, programs: [relay, client] };
}

export async function startHoldfastRelay(stage: Stage, borePort: number): Promise<Program> {
  const relay = stage.holdfast([
    "relay",
    "--json",
    "--bore-port",
    String(borePort),
    "--ports",
    "20000-29999",
  ]);
  await relay.says(/"type":"ready"/);
  return relay;
}

/** A client, and where its visitors go; several targets share it. */
export async function startHoldfastClient(
  stage: Stage,
  borePort: number,
  targets: readonly number[],
  more: readonly string[] = [],
): Promise<{ client: Program; ports: readonly number[] }> {
  const to = targets.map((port) => `${LOOPBACK}:${port}`);
  const client = stage.holdfast([
    "expose",
    ...to,
    "--relay",
    `bore://${LOOPBACK}:${borePort}`,
    "--json",
    ...more,
  ]);
  const [, addresses = ""] = await client.says(/"type":"ready","addresses":\[([^\]]+)\]/);
  return { client, ports: [...addresses.matchAll(/:(\d+)"/g)].map(([, port]) => Number(port)) };
}

async function openBore(stage: Stage, target: number): Promise<Way> {
  const host = ownLoopback();
  const relay = await startBoreRelay(stage, host);
  const { client, port } = await startBoreClient(stage, host, target);
  return { name: "bore", host, port, programs: [relay, client] };
}

let boreRelays = 0;

/** bore's port is fixed, so each relay gets an address of its own where the system has more than one. */
export function ownLoopback(): string {
  boreRelays += 1;
  return process.platform === "linux" ? `127.77.${process.pid % 256}.${boreRelays}` : LOOPBACK;
}

export async function startBoreRelay(stage: Stage, host: string): Promise<Program> {
  const ports = ["--min-port", "20000", "--max-port", "29999"];
  const relay = stage.start(commandOf("bore"), ["server", "--bind-addr", host, ...ports]);
  await relay.says(/server listening/);
  return relay;
}

export async function startBoreClient(
  stage: Stage,
  host: string,
  target: number,
): Promise<{ client: Program; port: number }> {
  const client = stage.start(commandOf("bore"), [
    "local",
    "--to",
    host,
    "--local-host",
    LOOPBACK,
    String(target),
  ]);
  const [, port] = await client.says(/listening at [\d.]+:(\d+)/);
  return { client, port: Number(port) };
}

async function openRathole(stage: Stage, target: number): Promise<Way> {
  const [control, port] = [await freePort(), await freePort()];
  const relay = await startRatholeRelay(stage, control, [port]);
  const client = await startRatholeClient(stage, control, [target]);
  await relay.says(/Control channel established/);
  return { name: "rathole", host: LOOPBACK, port, programs: [relay, client] };
}

/** A service for each port where visitors come. */
export async function startRatholeRelay(
  stage: Stage,
  control: number,
  ports: readonly number[],
): Promise<Program> {
  const services = ports.map(
    (port, index) => `[server.services.s${index}]\nbind_addr = "${LOOPBACK}:${port}"`,
  );
  const head = `[server]\nbind_addr = "${LOOPBACK}:${control}"\ndefault_token = "bench"`;
  const relay = startRathole(stage, `relay-${control}.toml`, [head, ...services]);
  await relay.says(/Listening at/);
  return relay;
}

export async function startRatholeClient(
  stage: Stage,
  control: number,
  targets: readonly number[],
): Promise<Program> {
  const services = targets.map(
    (port, index) => `[client.services.s${index}]\nlocal_addr = "${LOOPBACK}:${port}"`,
  );
  const head = `[client]\nremote_addr = "${LOOPBACK}:${control}"\ndefault_token = "bench"`;
  const client = startRathole(stage, `client-${control}.toml`, [head, ...services]);
  await client.says(/Control channel established/);
  return client;
}

function startRathole(stage: Stage, file: string, settings: readonly string[]): Program {
  const path = join(stage.folder, file);
  writeFileSync(path, `${settings.join("\n")}\n`);
  return stage.start(commandOf("rathole"), [path]);
}

function commandOf(name: "bore" | "rathole"): string {
  const peer = findPeer(name);
  if (peer === undefined) throw new Error(`${name} is not here: node test/peers/install.mjs --bench`);
  return peer.command;
}
