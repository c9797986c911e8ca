// The demo as `npm start` runs it: everything breaks, everything comes back, and it ends by itself.
import { beforeAll, expect, test } from "vitest";
import { build, makeHome, run } from "./command.ts";
import { outputLine } from "@holdfast/control/schemas";

beforeAll(build, 120_000);

test("every cut is survived and measured, and the end is 0", { timeout: 60_000 }, async () => {
  const home = await makeHome();
  const { code, stdout, stderr } = await run(["demo", "--json"], { home });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => outputLine.parse(JSON.parse(line)));
  const summary = lines.find((line) => line.type === "demo_summary")!;
  expect(code, stderr).toBe(0);
  expect(lines.at(-1)).toBe(summary);
  expect(lines[0]).toMatchObject({ type: "hello", command: "demo" });
  expect(lines.filter((line) => line.type === "cut")).toHaveLength(4);
  expect(summary.outages).toHaveLength(4);
  for (const outage of summary.outages) expect(outage.away_ms, outage.name).toBeGreaterThan(0);
  // The black hole is noticed by silence alone, after the demo's two seconds.
  expect(summary.outages[2]!.noticed_after_ms).toBeGreaterThanOrEqual(1_900);
  expect(summary.download).toEqual({ bytes: 100_663_296, cuts: 3, hash_matches: true });
  expect(summary.requests_served).toBeGreaterThan(50);
  expect(summary.longest_gap_ms).toBeGreaterThan(2_000);
  expect(stderr).toMatch(/back after .* \(noticed after/);
});
