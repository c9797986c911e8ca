// What a tunnel says of itself, and how to wait until it says, or does, what it should.
import assert from "node:assert/strict";
import { until } from "./condition.ts";
import type { Command, Line } from "./command.ts";
import { echoes, listens } from "./service.ts";
import type { Scene } from "./scene.ts";

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
