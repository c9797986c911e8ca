// A tunnel in the bore dialect, started as a user starts it.
import type { Command } from "../harness/command.ts";
import type { Scene } from "../harness/scene.ts";
import { connected, portOf } from "../harness/tunnel-state.ts";

export interface RunningTunnel {
  readonly command: Command;
  /** Where visitors reach it. */
  readonly port: number;
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
