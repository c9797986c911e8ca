// A relay, started as a user starts one.
import assert from "node:assert/strict";
import type { Command, Machine } from "./command.ts";
import type { Scene } from "./scene.ts";

export interface RunningRelay {
  readonly command: Command;
  /** Where our own clients connect. */
  readonly nativePort: number;
  /** The control port of the bore dialect. */
  readonly borePort: number;
  /** When it said that it listens. */
  readonly readyAt: number;
}

export interface RelayOptions {
  /** Default: any free ones. */
  readonly nativePort?: number;
  readonly borePort?: number;
  /** The ports that tunnels may have. */
  readonly ports?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly on?: Machine;
}

/** The range that acceptance relays hand out, away from the ports that the kernel gives to clients. */
const PORTS = "20000-29999";

export async function startRelay(scene: Scene, options: RelayOptions = {}): Promise<RunningRelay> {
  const { nativePort = 0, borePort = 0, ports = PORTS, args = [], env, on } = options;
  const command = scene.holdfast(
    ["relay", "--json", "--port", `${nativePort}`, "--bore-port", `${borePort}`, "--ports", ports, ...args],
    env,
    on,
  );
  const { line, at } = await command.line("ready");
  const portOf = (scheme: string): number => {
    const address = line.addresses.find((each) => each.startsWith(`${scheme}://`));
    const port = Number(address?.split(":").at(-1));
    assert.ok(port > 0, `the relay said no ${scheme} port: ${JSON.stringify(line)}`);
    return port;
  };
  return { command, nativePort: portOf("holdfast"), borePort: portOf("bore"), readyAt: at };
}
