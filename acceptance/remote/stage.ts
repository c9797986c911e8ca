// Connections as a user makes them, and what the daemon says of them.
import assert from "node:assert/strict";
import { until } from "../harness/condition.ts";
import type { Command, Line, Machine } from "../harness/command.ts";
import type { Scene } from "../harness/scene.ts";

export type Connection = Line<"connection">;
type Said<T> = { readonly at: number; readonly seq: number; readonly line: T };
type Body = Line<"event">["event"];
type EventOf<T extends Body["type"]> = Extract<Body, { type: T }>;

/** Run to its end, on a machine of a lab or on this one. @throws Error with what it said, unless it ended with 0. */
export async function succeeds(
  scene: Scene,
  args: readonly string[],
  { on, env = {} }: { on?: Machine | undefined; env?: Readonly<Record<string, string>> } = {},
): Promise<Command> {
  const command = await scene.run(args, env, on);
  const said = JSON.stringify(command.lines.map(({ line }) => line));
  assert.equal(command.end?.code, 0, `holdfast ${args.join(" ")}: ${command.stderr}\n${said}`);
  return command;
}

export interface ConnectOptions {
  readonly name: string;
  /** Of the plugin: `Sshd.flags`. */
  readonly flags: readonly string[];
  readonly on?: Machine | undefined;
}

/** Connected, and listed so. */
export async function connectTo(
  scene: Scene,
  destination: string,
  { name, flags, on }: ConnectOptions,
): Promise<Connection> {
  const args = ["connect", destination, "--name", name, "--json", ...flags];
  const command = await succeeds(scene, args, { on });
  const { line } = await command.line("connection");
  assert.deepEqual([line.state, line.epoch, line.name], ["connected", 1, name]);
  return line;
}

/** What `holdfast list` shows of one name; `undefined` if it is not there. */
export async function listedConnection(scene: Scene, name: string): Promise<Connection | undefined> {
  return (await list(scene)).find(
    (line): line is Connection => line.type === "connection" && line.name === name,
  );
}

export async function listedForward(scene: Scene, id: number): Promise<Line<"forward"> | undefined> {
  return (await list(scene)).find(
    (line): line is Line<"forward"> => line.type === "forward" && line.id === id,
  );
}

async function list(scene: Scene): Promise<Command["lines"][number]["line"][]> {
  const command = await succeeds(scene, ["list", "--json"]);
  return command.lines.map(({ line }) => line);
}

/** Events from now on; it is there when the snapshot is. */
export async function watch(scene: Scene): Promise<Command> {
  const events = scene.holdfast(["events", "--json"]);
  await events.line("snapshot");
  return events;
}

/** Every event of a type, in order. */
export function eventsOf<T extends Body["type"]>(events: Command, type: T): Said<EventOf<T>>[] {
  return events.lines.flatMap(({ at, line }): Said<EventOf<T>>[] =>
    line.type === "event" && line.event.type === type
      ? [{ at, seq: line.seq, line: line.event as EventOf<T> }]
      : [],
  );
}

export type ConnectionState = EventOf<"connection_state">;

/** Every state of one connection that was told, in order. */
export function statesOf(events: Command, name: string): Said<ConnectionState>[] {
  return eventsOf(events, "connection_state").filter(({ line }) => line.name === name);
}

/** The first event after `after` that tells such a state. */
export async function state(
  events: Command,
  name: string,
  what: string,
  fits: (state: ConnectionState) => boolean,
  { after = 0, deadlineMs }: { after?: number; deadlineMs?: number } = {},
): Promise<Said<ConnectionState>> {
  const find = (): Said<ConnectionState> | undefined =>
    statesOf(events, name).find(({ at, line }) => at >= after && fits(line));
  try {
    return await until(`${name}: ${what}`, find, deadlineMs);
  } catch (error) {
    const last = statesOf(events, name).at(-1)?.line;
    throw new Error(`${(error as Error).message}\nlast: ${JSON.stringify(last)}`, { cause: error });
  }
}

/** Connected, for the epoch asked for or a later one. */
export function connectedAgain(
  events: Command,
  name: string,
  epoch: number,
  deadlineMs?: number,
): Promise<Said<ConnectionState>> {
  const fits = (line: ConnectionState): boolean => line.state === "connected" && line.epoch >= epoch;
  return state(
    events,
    name,
    `connected, epoch ${epoch}`,
    fits,
    deadlineMs === undefined ? {} : { deadlineMs },
  );
}

/** What was told of the outages of one connection that are over. */
export function outagesOf(events: Command, name: string): EventOf<"connection_outage">[] {
  return eventsOf(events, "connection_outage")
    .map(({ line }) => line)
    .filter((line) => line.name === name);
}

export interface RunningForward {
  readonly id: number;
  readonly port: number;
}

/** A local forward that the daemon keeps. */
export async function forwardTo(scene: Scene, name: string, targetPort: number): Promise<RunningForward> {
  const spec = `127.0.0.1:0:127.0.0.1:${targetPort}`;
  const command = await succeeds(scene, ["forward", name, spec, "--background", "--json"]);
  const { line } = await command.line("forward");
  return { id: line.id, port: portOf(line) };
}

export function portOf({ listen, state: now }: Line<"forward">): number {
  assert.equal(now, "listening");
  assert.ok(listen !== null && listen.port > 0, `it listens nowhere: ${JSON.stringify(listen)}`);
  return listen.port;
}

/** What stands where a daemon is: its process. */
export async function daemonPid(scene: Scene): Promise<number> {
  const daemon = (await list(scene)).find((line) => line.type === "daemon");
  assert.ok(daemon !== undefined, "no daemon is listed");
  return daemon.pid;
}
