// Runs the scenes of an area one after the other, and counts.
import { Scene } from "./scene.ts";

export interface Act {
  readonly name: string;
  /** Throws if anything is not as it should be; returns what it measured, in a few words. */
  readonly play: (scene: Scene) => Promise<string>;
}

export async function runActs(acts: readonly Act[], only: string | undefined): Promise<number> {
  let passed = 0;
  let failed = 0;
  for (const { name, play } of acts) {
    if (only !== undefined && !name.includes(only)) continue;
    const startedAt = performance.now();
    const scene = new Scene();
    try {
      const measured = await play(scene);
      passed += 1;
      console.log(`ok    ${name}: ${measured} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.log(
        `FAIL  ${name}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    } finally {
      await scene.end();
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
