// Runs the scenes of an area one after the other, and counts.
import { Scene } from "./scene.ts";
import { SKIPPED } from "./skip.ts";

export interface Act {
  readonly name: string;
  /** Throws if anything is not as it should be; returns what it measured, in a few words. */
  readonly play: (scene: Scene) => Promise<string>;
}

/** An act that hangs has failed. */
const ACT_DEADLINE_MS = 300_000;

export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Play the acts whose name contains `only`, each in a scene of its own, and print a line for each. */
export async function runActs(acts: readonly Act[], only: string | undefined): Promise<Result> {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const act of acts) {
    if (only !== undefined && !act.name.includes(only)) continue;
    count[await playAct(act)] += 1;
  }
  return count;
}

async function playAct({ name, play }: Act): Promise<keyof Result> {
  const startedAt = performance.now();
  const scene = new Scene();
  const release = endWithUs(scene);
  try {
    const measured = await within(ACT_DEADLINE_MS, play(scene));
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const wasSkipped = measured.startsWith(SKIPPED);
    console.log(`${wasSkipped ? "skip" : "ok  "}  ${name}: ${measured} (${seconds} s)`);
    return wasSkipped ? "skipped" : "passed";
  } catch (error) {
    console.log(`FAIL  ${name}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return "failed";
  } finally {
    release();
    await scene.end();
  }
}

/** Whoever stops us from outside stops what the scene started, too. Call what this gives when the scene is over. */
function endWithUs(scene: Scene): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const stop = (signal: NodeJS.Signals): void => {
    release();
    void scene.end().finally(() => process.kill(process.pid, signal));
  };
  const release = (): void => {
    for (const signal of signals) process.off(signal, stop);
  };
  for (const signal of signals) process.on(signal, stop);
  return release;
}

async function within<T>(deadlineMs: number, played: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([played, late]);
  } finally {
    clearTimeout(timer);
  }
}
