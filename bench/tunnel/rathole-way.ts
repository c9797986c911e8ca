// rathole's tunnels, by its own program, unmodified: one service for each port where visitors come.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../processes/program.ts";
import { peerCommand } from "./peers.ts";
import type { Stage } from "./stage.ts";
import { LOOPBACK } from "./address.ts";

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
  return stage.start(peerCommand("rathole"), [path]);
}
