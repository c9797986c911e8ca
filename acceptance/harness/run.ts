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
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const { name, play } of acts) {
    if (only !== undefined && !name.includes(only)) continue;
    const startedAt = performance.now();
    const scene = new Scene();
    try {
      const measured = await within(ACT_DEADLINE_MS, play(scene));
      const wasSkipped = measured.startsWith(SKIPPED);
      if (wasSkipped) skipped += 1;
      else passed += 1;
      console.log(
        `${wasSkipped ? "skip" : "ok  "}  ${name}: ${measured} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`,
      );
    } catch (error) {
      failed += 1;
      console.log(
        `FAIL  ${name}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    } finally {
      await scene.end();
    }
  }
  return { passed, failed, skipped };
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
