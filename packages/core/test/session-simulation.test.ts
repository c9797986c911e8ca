// Sessions in simulated worlds: real handshakes and real sessions over links that fail, every byte checked. The seeds
// are fixed; HOLDFAST_SEED begins elsewhere. `npm run simulate -- --only session --seeds N` runs more.
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { HmacRequest } from "../src/session/index.ts";
import { sessionCases, simulateSession, trySessionSeeds, type SessionReport } from "../src/testing/index.ts";

const FIRST_SEED = Number(process.env["HOLDFAST_SEED"] ?? 1);
const SEEDS = 400;
const SEEDS_PER_TEST = 40;
/** Worlds with the real HMAC; the others use a digest that is quicker. */
const SEEDS_WITH_REAL_HMAC = 20;

function hmac({ key, parts }: HmacRequest): Uint8Array {
  const digest = createHmac("sha256", key);
  for (const part of parts) digest.update(part);
  return digest.digest();
}

function run(firstSeed: number, seeds: number, withHmac: boolean): SessionReport[] {
  const reports: SessionReport[] = [];
  const caught = trySessionSeeds({
    firstSeed,
    seeds,
    ...(withHmac ? { hmac } : {}),
    onReport: (report) => reports.push(report),
  });
  expect(caught?.message, "replay it: npm run simulate -- --only session --seed S").toBeUndefined();
  return reports;
}

function sum(reports: readonly SessionReport[], of: keyof SessionReport): number {
  return reports.reduce((total, report) => total + report[of], 0);
}

describe("directed cases", () => {
  for (const [name, promise] of Object.entries(sessionCases)) it(name, promise);
});

describe("worlds", () => {
  const reports: SessionReport[] = [];
  // A test each for a few of them: one that takes minutes keeps the runner from hearing of it.
  for (let first = FIRST_SEED; first < FIRST_SEED + SEEDS; first += SEEDS_PER_TEST) {
    const last = first + SEEDS_PER_TEST - 1;
    it(`lose and repeat nothing (seeds ${first} to ${last})`, { timeout: 300_000 }, () => {
      reports.push(...run(first, SEEDS_PER_TEST, false));
    });
  }

  it("see a great deal", () => {
    // A world in which nothing happens proves nothing.
    expect(reports).toHaveLength(SEEDS);
    expect(sum(reports, "bytesChecked")).toBeGreaterThan(5_000_000);
    expect(sum(reports, "cuts")).toBeGreaterThan(10_000);
    const facts = [
      "cutsInsideResumeOk",
      "resets",
      "stops",
      "notProcessed",
      "datagrams",
      "noProgress",
    ] as const;
    for (const fact of facts) expect(sum(reports, fact), fact).toBeGreaterThan(0);
  });

  it("do so with the real HMAC as well", { timeout: 300_000 }, () => {
    expect(run(FIRST_SEED + SEEDS, SEEDS_WITH_REAL_HMAC, true)).toHaveLength(SEEDS_WITH_REAL_HMAC);
  });

  it("are the same again from the same seed", () => {
    const traces = [0, 1].map(() => {
      const lines: string[] = [];
      const report = simulateSession({ seed: FIRST_SEED + 3, trace: (line) => lines.push(line) });
      return { lines, report };
    });
    expect(traces[0]?.lines.length).toBeGreaterThan(10);
    expect(traces[1]).toEqual(traces[0]);
    expect(simulateSession({ seed: FIRST_SEED + 4 }).fingerprint).not.toBe(traces[0]?.report.fingerprint);
  });
});
