// A relay and a tunnel, started as a user starts them, and what a scene asks of them.
import assert from "node:assert/strict";
import { until } from "../harness/condition.ts";
import type { Command, Line } from "../harness/command.ts";
import { echoes, listens } from "../harness/service.ts";
import type { Scene } from "../harness/scene.ts";

export interface RunningRelay {
  readonly command: Command;
  /** The control port of the bore dialect. */
  readonly port: number;
  /** When it said that it listens. */
  readonly readyAt: number;
}

export interface RunningTunnel {
  readonly command: Command;
  /** Where visitors reach it. */
  readonly port: number;
}

/** The range that acceptance relays hand out, away from the ports that the kernel gives to clients. */
const PORTS = "20000-29999";

export async function startRelay(
  scene: Scene,
  options: { port?: number; args?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<RunningRelay> {
  const args = [
    "relay",
    "--json",
    "--bore-port",
    String(options.port ?? 0),
    "--ports",
    PORTS,
    ...(options.args ?? []),
  ];
  const command = scene.holdfast(args, options.env);
  const { line, at } = await command.line("ready");
  const port = Number(/:(\d+)/.exec(line.addresses[0] ?? "")?.[1]);
  assert.ok(port > 0, `the relay said no port: ${JSON.stringify(line)}`);
  return { command, port, readyAt: at };
}

export async function startTunnel(
  scene: Scene,
  relayPort: number,
  target: number,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningTunnel> {
  const command = scene.holdfast(
    ["expose", String(target), "--relay", `bore://127.0.0.1:${relayPort}`, "--json", ...args],
    env,
  );
  return { command, port: portOf(await connected(command, 1)) };
}

/** What a tunnel says of itself, in its own line or in an event. */
export type TunnelState = Omit<Line<"tunnel">, "type">;

interface Said {
  readonly at: number;
  readonly line: TunnelState;
}

function said(command: Command): Said[] {
  return command.lines.flatMap(({ at, line }): Said[] => {
    if (line.type === "tunnel") return [{ at, line }];
    return line.type === "event" && line.event.type === "tunnel_state" ? [{ at, line: line.event }] : [];
  });
}

/** The first time that the tunnel was in a state that fits. */
export async function tunnelState(
  command: Command,
  what: string,
  fits: (state: TunnelState) => boolean,
  deadlineMs?: number,
): Promise<Said> {
  const found = (): Said | undefined => said(command).find(({ line }) => fits(line));
  return until(`${what}, of \`holdfast ${command.name}\`\n${command.stderr}`, found, deadlineMs);
}

/** Connected, for the epoch asked for or a later one. */
export async function connected(command: Command, epoch: number, deadlineMs?: number): Promise<Said> {
  return tunnelState(
    command,
    `connected, epoch ${epoch}`,
    (state) => state.state === "connected" && state.epoch >= epoch,
    deadlineMs,
  );
}

export function portOf({ line }: Said): number {
  const port = Number(line.public_endpoint?.split(":").at(-1));
  assert.ok(port > 0, `no public endpoint: ${JSON.stringify(line)}`);
  return port;
}

/** The last thing that the tunnel said of itself. */
export function latest(command: Command): TunnelState | undefined {
  return said(command).at(-1)?.line;
}

export async function servesAgain(port: number, deadlineMs = 15_000): Promise<void> {
  await until(`an echo through port ${port}`, () => echoes(port, 2_000), deadlineMs);
}

export async function isClosed(port: number): Promise<void> {
  await until(`port ${port} is closed`, async () => !(await listens(port)), 5_000);
}

/** The one entry that `holdfast list --json` shows for a name. */
export async function listed(scene: Scene, name: string): Promise<Line<"tunnel"> | undefined> {
  const command = await scene.run(["list", "--json"]);
  assert.equal(command.end?.code, 0, command.stderr);
  return command.lines
    .map(({ line }) => line)
    .find((line): line is Line<"tunnel"> => line.type === "tunnel" && line.name === name);
}
