// How long the command takes to start, against a Node that does nothing.
import { spawnSync } from "node:child_process";
import { median } from "../statistics.ts";
import { HOLDFAST, type Stage } from "./stage.ts";

export interface StartUp {
  readonly command: string;
  /** Median, in milliseconds. */
  readonly ms: number;
  /** Against `node -e 0`: the median of the pairs. */
  readonly ratio: number;
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "node -e 0": ["-e", "0"],
  "holdfast --version": [HOLDFAST, "--version"],
  "holdfast list": [HOLDFAST, "list"],
};

/** Start each in turn, so many times. @throws Error if one fails. */
export function measureStartUp(stage: Stage, starts: number): StartUp[] {
  const names = Object.keys(COMMANDS);
  const times = new Map(names.map((name): [string, number[]] => [name, []]));
  // The first of each warms up and is not counted.
  for (let start = 0; start <= starts; start++) {
    for (const name of start % 2 === 0 ? names : names.toReversed()) {
      const ms = startOnce(stage, name);
      if (start > 0) times.get(name)?.push(ms);
    }
  }
  const base = times.get("node -e 0") ?? [];
  return names.map((command) => {
    const all = times.get(command) ?? [];
    return {
      command,
      ms: median(all),
      ratio: median(all.map((ms, start) => ms / (base[start] ?? Number.NaN))),
    };
  });
}

function startOnce(stage: Stage, name: string): number {
  const env = { ...process.env, HOLDFAST_HOME: stage.folder };
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, COMMANDS[name] ?? [], { env, encoding: "utf8" });
  const ms = performance.now() - startedAt;
  if (status !== 0) throw new Error(`\`${name}\` ended with ${String(status)}: ${stderr}`);
  return ms;
}
