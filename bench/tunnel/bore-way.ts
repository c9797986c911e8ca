// bore's tunnels, by its own program, unmodified.
import type { Program } from "../processes/program.ts";
import { peerCommand } from "./peers.ts";
import type { Stage } from "./stage.ts";
import { LOOPBACK } from "./address.ts";

/** It cannot be set. */
export const BORE_PORT = 7_835;

let boreRelays = 0;

/** bore's port is fixed, so each relay, and each path to one, gets an address of its own where the system has more than one. */
export function ownLoopback(): string {
  boreRelays += 1;
  return process.platform === "linux" ? `127.77.${process.pid % 256}.${boreRelays}` : LOOPBACK;
}

export async function startBoreRelay(stage: Stage, host: string): Promise<Program> {
  const ports = ["--min-port", "20000", "--max-port", "29999"];
  const relay = stage.start(peerCommand("bore"), ["server", "--bind-addr", host, ...ports]);
  await relay.says(/server listening/);
  return relay;
}

export async function startBoreClient(
  stage: Stage,
  host: string,
  target: number,
): Promise<{ client: Program; port: number }> {
  const to = ["--to", host, "--local-host", LOOPBACK, String(target)];
  const client = stage.start(peerCommand("bore"), ["local", ...to]);
  const [, port] = await client.says(/listening at [\d.]+:(\d+)/);
  return { client, port: Number(port) };
}
