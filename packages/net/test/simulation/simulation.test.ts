// A sample of worlds, every directed scenario, and that a seed decides all that happens in its world.
import { scenarios, simulate, tryScenarios } from "@holdfast/net/testing";
import { describe, expect, it } from "vitest";

const SAMPLE = 60;
const AT_ONCE = 10;

describe("the engine in a simulated world", () => {
  for (let first = 1; first <= SAMPLE; first += AT_ONCE) {
    it(`keeps every promise in worlds ${first} to ${first + AT_ONCE - 1}`, async () => {
      for (let seed = first; seed < first + AT_ONCE; seed++) {
        const { links } = await simulate({ seed, hours: 1 });
        expect(links, `seed ${seed} never connected`).toBeGreaterThan(0);
      }
    });
  }

  it("does the same again from the same seed, and something else from another", async () => {
    const [first, again, other] = [await traced(7), await traced(7), await traced(8)];
    expect(again).toEqual(first);
    expect(other.lines).not.toEqual(first.lines);
  });
});

describe("directed scenarios", () => {
  for (const [name, run] of Object.entries(scenarios)) it(name, run);

  it("leave no rejection unhandled", async () => {
    expect(await tryScenarios()).toEqual([]);
  });
});

async function traced(seed: number): Promise<{ lines: readonly string[]; fingerprint: number }> {
  const lines: string[] = [];
  const { fingerprint } = await simulate({ seed, hours: 0.5, trace: (line) => lines.push(line) });
  return { lines, fingerprint };
}
