// The schedules of the seeds, loss by loss and number by number, through the machine. DESIGN rule 1.
import { presets, resolveConfig, type PresetName, type Random } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { Bench, HIGH, LOW, MIDDLE, waits } from "./bench.ts";

/** The waits of an outage: after the loss of a stable link, then after each of `dials` failed dials. */
function outage(name: PresetName, dials: number, random: Random = MIDDLE): number[] {
  const bench = new Bench(presets[name], random).stable().lose();
  return [bench.wait(), ...waits(bench, dials)].map(Math.round);
}

/** Every dial fails, until the line ends. */
function exhaust(bench: Bench): void {
  while (bench.state.at === "waiting") {
    bench.wait();
    bench.fail();
  }
}

describe("rule 1: presets", () => {
  test("rule 1: every preset is a policy without refusals", () => {
    for (const preset of Object.values(presets)) expect(() => resolveConfig(preset)).not.toThrow();
  });

  test("rule 1: dev-tunnels waits 1, 2, 4, 8, 13, 13 s", () => {
    expect(outage("dev-tunnels", 5)).toEqual([1_000, 2_000, 4_000, 8_000, 13_000, 13_000]);
    expect(outage("dev-tunnels", 5, LOW)).toEqual(outage("dev-tunnels", 5, HIGH));
  });

  test("rule 1: dev-tunnels waits 1 s before its first retry and resets on success", () => {
    const bench = new Bench(presets["dev-tunnels"]).start().open();
    for (let i = 0; i < 5; i++) {
      bench.lose();
      expect(bench.wait()).toBe(1_000);
      bench.open();
    }
    bench.lose().wait();
    expect(waits(bench, 2)).toEqual([2_000, 4_000]);
    bench.open().lose();
    expect(bench.wait()).toBe(1_000);
  });

  test("rule 1: bore is 1 s to 64 s, a quarter either way: 0.75 to 1.25 s, at the cap 48 to 80 s", () => {
    expect(outage("bore", 7, LOW)).toEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 48_000, 48_000]);
    expect(outage("bore", 7, HIGH)).toEqual([1_250, 2_500, 5_000, 10_000, 20_000, 40_000, 80_000, 80_000]);
    expect(outage("bore", 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000]);
  });

  test("rule 1: bore resets on success", () => {
    const bench = new Bench(presets.bore).start();
    waits(bench, 5);
    expect(bench.open().lose().wait()).toBe(1_000);
  });

  const distant = [
    ["distant-host", 60_000, [2, 4, 8]],
    ["distant-ssh", 30_000, [2, 4, 8, 16, 30]],
    ["distant-docker", 30_000, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]],
  ] as const;

  test.each(distant)("rule 1: %s waits the seed's seconds", (name, _dialTimeoutMs, seconds) => {
    const bench = new Bench({ ...presets[name], maxAttempts: Infinity }).stable().lose();
    expect(bench.wait(), "the first retry is at once").toBe(0);
    expect(waits(bench, seconds.length)).toEqual(seconds.map((s) => s * 1_000));
  });

  // The seed sleeps once more after its last try, for nothing; we do not.
  test.each(distant)("rule 1: %s ends with its last try", (name, _dialTimeoutMs, seconds) => {
    const tries = seconds.length;
    const bench = new Bench(presets[name]).stable().lose();
    bench.wait();
    expect(waits(bench, tries - 1)).toEqual(seconds.slice(0, -1).map((s) => s * 1_000));
    bench.fail();
    expect(bench.status).toMatchObject({
      state: "disconnected",
      reason: { code: "gave_up", failures: tries, error: { code: "connection_refused" } },
    });
  });

  test("rule 1: distant's tries are each cut after 60, 30 and 30 s", () => {
    for (const [name, dialTimeoutMs] of distant) {
      const bench = new Bench(presets[name]).start();
      bench.pass(dialTimeoutMs - 1);
      expect(bench.state.at, name).toBe("dialing");
      bench.pass(1);
      expect(bench.state.at, name).toBe("waiting");
    }
  });

  test("rule 1: moq is 1 s x 2 to 30 s, for five minutes", () => {
    expect(outage("moq", 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    const bench = new Bench(presets.moq).stable().lose();
    const lostAt = bench.now;
    exhaust(bench);
    expect(bench.reason).toBe("gave_up");
    expect(bench.now - lostAt).toBe(300_000);
  });

  test("rule 1: moq counts a link of a second as healthy, and a shorter one as a failure", () => {
    const bench = new Bench(presets.moq).start().open().pass(1_000).lose();
    expect(bench.wait()).toBe(1_000);
    bench.open().pass(999).lose();
    expect(bench.wait()).toBe(2_000);
    bench.open().pass(999).lose();
    expect(bench.wait()).toBe(4_000);
    expect(bench.status.failures).toBe(2);
  });

  test("rule 1: moq-main goes to 5 s with equal jitter, for ten seconds", () => {
    expect(outage("moq-main", 2, LOW)).toEqual([500, 1_000, 2_000]);
    expect(outage("moq-main", 2, HIGH)).toEqual([1_000, 2_000, 4_000]);
    const bench = new Bench({ ...presets["moq-main"], giveUpAfterMs: 60_000 }, HIGH).stable().lose();
    expect([bench.wait(), ...waits(bench, 4)].map(Math.round)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    const budget = new Bench(presets["moq-main"], HIGH).stable().lose();
    const lostAt = budget.now;
    exhaust(budget);
    expect(budget.now - lostAt, "the last delay is cut to the budget").toBe(10_000);
  });

  test("rule 1: strike48 adds up to 500 ms below a cap that is a strict upper bound", () => {
    expect(outage("strike48", 8, LOW)).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ]);
    expect(outage("strike48", 8, HIGH)).toEqual([
      1_000, 1_500, 2_500, 4_500, 8_500, 16_500, 32_500, 60_000, 60_000,
    ]);
  });

  test("rule 1: strike48 is exactly 60,000 ms from the eighth delay on, whatever is drawn", () => {
    for (let i = 0; i <= 20; i++) {
      const delays = outage("strike48", 9, () => i / 21);
      expect(delays.slice(7)).toEqual([60_000, 60_000, 60_000]);
      expect(Math.max(...delays)).toBe(60_000);
    }
  });
});
