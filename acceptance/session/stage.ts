// A tunnel over a session, started as a user starts it, with a link that misbehaves on demand.
import assert from "node:assert/strict";
import { startFaultyProxy, type FaultyProxy } from "@holdfast/net/testing";
import type { Command, Line, Machine } from "../harness/command.ts";
import { startRelay, type RelayOptions, type RunningRelay } from "../harness/relay.ts";
import type { Scene } from "../harness/scene.ts";
import { connected, portOf } from "../harness/tunnel-state.ts";

/** The least that the command takes; the first retry after a stable link is sooner. */
export const MAX_DELAY_MS = 1_000;

/** While a relay is away: long enough that the floor under all dials, ten in ten seconds, does not stretch it. */
export const RELAY_DELAY_MS = 2_000;

export interface ExposeOptions {
  readonly relay: string;
  /** `3000` or `host:port`. */
  readonly target: number | string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly on?: Machine;
}

export interface RunningTunnel {
  readonly command: Command;
  /** Where visitors reach it. */
  readonly port: number;
}

/** The command, not waited for. */
export function expose(scene: Scene, { relay, target, args = [], env, on }: ExposeOptions): Command {
  const delay = args.includes("--max-reconnect-delay") ? [] : ["--max-reconnect-delay", `${MAX_DELAY_MS}ms`];
  return scene.holdfast(["expose", `${target}`, "--relay", relay, "--json", ...delay, ...args], env, on);
}

export async function startTunnel(scene: Scene, options: ExposeOptions): Promise<RunningTunnel> {
  const command = expose(scene, options);
  return { command, port: portOf(await connected(command, 1)) };
}

/** Of a relay on this machine. */
export function nativeUrl(port: number): string {
  return `holdfast://127.0.0.1:${port}`;
}

export interface Cable {
  readonly proxy: FaultyProxy;
  /** Where the client connects instead of the relay. */
  readonly port: number;
}

export async function layCable(scene: Scene, relayPort: number): Promise<Cable> {
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: relayPort } });
  scene.onEnd(() => proxy.close());
  if (!("port" in proxy.endpoint)) throw new Error("the proxy has no port");
  return { proxy, port: proxy.endpoint.port };
}

export interface Setting extends RunningTunnel {
  readonly relay: RunningRelay;
  readonly proxy: FaultyProxy;
}

export interface SettingOptions extends Pick<ExposeOptions, "args" | "env"> {
  readonly relay?: RelayOptions;
}

/** A relay, a proxy before it, and a client that knows only the proxy. */
export async function throughProxy(
  scene: Scene,
  target: number,
  { relay: relayOptions = {}, ...client }: SettingOptions = {},
): Promise<Setting> {
  const relay = await startRelay(scene, relayOptions);
  const { proxy, port } = await layCable(scene, relay.nativePort);
  const tunnel = await startTunnel(scene, { ...client, relay: nativeUrl(port), target });
  return { relay, proxy, ...tunnel };
}

type Outage = Extract<Line<"event">["event"], { type: "tunnel_outage" }>;

/** What the command said of the outages that are over. */
export function outagesOf(command: Command): Outage[] {
  return command.lines.flatMap(({ line }) =>
    line.type === "event" && line.event.type === "tunnel_outage" ? [line.event] : [],
  );
}

/** No stream was lost in any outage, as the command tells it. Gives how many went on, in all. */
export function assertNothingLost(command: Command): number {
  const outages = outagesOf(command);
  const lost = outages.map(({ streams_lost }) => streams_lost);
  assert.deepEqual(
    lost,
    lost.map(() => 0),
    "streams were lost",
  );
  return outages.reduce((sum, { streams_resumed }) => sum + (streams_resumed ?? 0), 0);
}
