// DESIGN section 5, rule 1: the schedule, the jitter after the cap, the floor, and what is refused.
import { HoldfastError, resolveConfig, type Backoff, type Policy } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { Bench, HIGH, LOW, MIDDLE, waits } from "./bench.ts";

const exact: Backoff = { jitter: { kind: "none" } };
const failFrom = (policy: Policy, random = MIDDLE): Bench => new Bench(policy, random).start();

describe("rule 1: min(initial * factor^(failures-1), max)", () => {
  test("rule 1: the default is 1 s, 2, 10 s", () => {
    expect(waits(failFrom({ backoff: exact }), 7)).toEqual([
      1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000,
    ]);
  });

  test("rule 1: failures is the exponent and is shown", () => {
    const bench = failFrom({ backoff: { ...exact, initialMs: 500, factor: 3, maxMs: 40_000 } });
    expect(waits(bench, 5)).toEqual([500, 1_500, 4_500, 13_500, 40_000]);
    expect(bench.status.failures).toBe(5);
  });

  test("rule 1: a cap below a second lowers the first delay with it", () => {
    expect(waits(failFrom({ backoff: { ...exact, maxMs: 400 } }), 3)).toEqual([400, 400, 400]);
  });

  test("rule 1: fixed and fibonacci", () => {
    expect(waits(failFrom({ backoff: { ...exact, strategy: "fixed", initialMs: 700 } }), 4)).toEqual([
      700, 700, 700, 700,
    ]);
    expect(waits(failFrom({ backoff: { ...exact, strategy: "fibonacci" } }), 8)).toEqual([
      1_000, 1_000, 2_000, 3_000, 5_000, 8_000, 10_000, 10_000,
    ]);
  });

  test.each(["exponential", "fibonacci", "fixed"] as const)(
    "rule 1: %s stays at the cap after 3,000 failures",
    (strategy) => {
      const bench = failFrom({ backoff: { ...exact, strategy, initialMs: 10_000, maxMs: 10_000 } });
      expect(new Set(waits(bench, 3_000))).toEqual(new Set([10_000]));
    },
  );
});

describe("rule 1: jitter after the cap", () => {
  const kinds = [
    ["full", { kind: "full" }, 0, 10_000],
    ["equal", { kind: "equal" }, 5_000, 10_000],
    ["proportional", { kind: "proportional", ratio: 0.25 }, 7_500, 12_500],
    ["additive", { kind: "additive", ms: 500 }, 10_000, 10_500],
    ["none", { kind: "none" }, 10_000, 10_000],
  ] as const;

  test.each(kinds)("rule 1: %s spreads over its range at the cap", (_name, jitter, least, most) => {
    for (const [random, bound] of [
      [LOW, least],
      [HIGH, most],
    ] as const) {
      const bench = failFrom({ backoff: { jitter, initialMs: 10_000, maxMs: 10_000 } }, random);
      bench.fail();
      expect(bench.waitMs).toBeCloseTo(Math.max(bound, 100), 6);
    }
  });

  test("rule 1: full jitter is the default", () => {
    expect(resolveConfig().jitter).toEqual({ kind: "full" });
    expect(waits(failFrom({}, MIDDLE), 6)).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  test("rule 1: at the cap, no 100 ms hold more than half as many again as their share", () => {
    const maxMs = 10_000;
    const bins = new Map<number, number>();
    const draws = 20_000;
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let i = 0; i < draws; i++) {
      const bench = failFrom({ backoff: { initialMs: maxMs, maxMs } }, random);
      bench.now += 100;
      bench.fail();
      const bin = Math.floor(bench.waitMs / 100);
      bins.set(bin, (bins.get(bin) ?? 0) + 1);
    }
    expect(Math.max(...bins.values()) / draws).toBeLessThan((100 / maxMs) * 1.5);
  });

  test("rule 1: jitter before the cap is a strict upper bound, and only where it is asked for", () => {
    const jitter = { kind: "additive", ms: 500, beforeCap: true } as const;
    expect(waits(failFrom({ backoff: { jitter } }, HIGH), 5).map(Math.round)).toEqual([
      1_500, 2_500, 4_500, 8_500, 10_000,
    ]);
  });
});

describe("rule 1: the floor", () => {
  test("rule 1: 100 ms between dials, whatever the jitter draws", () => {
    expect(waits(failFrom({}, LOW), 4)).toEqual([100, 100, 100, 100]);
  });

  test("rule 1: at most ten dials in ten seconds, to the millisecond", () => {
    const bench = failFrom({}, LOW);
    waits(bench, 24);
    const { dials } = bench;
    expect(dials).toHaveLength(25);
    for (let i = 10; i < dials.length; i++) {
      expect((dials[i] ?? NaN) - (dials[i - 10] ?? NaN)).toBeGreaterThanOrEqual(10_000);
    }
    expect(dials.slice(0, 13)).toEqual([
      0, 100, 200, 300, 400, 2_000, 3_600, 5_200, 6_800, 8_400, 10_000, 10_100, 10_200,
    ]);
  });

  test("rule 1: a short maximum leaves no hole: a peer that is back never waits for us much longer", () => {
    for (const level of [0, 0.25, 0.5, 0.75, 0.999]) {
      const bench = failFrom({ backoff: { maxMs: 1_000 } }, () => level);
      expect(Math.max(...waits(bench, 60))).toBeLessThanOrEqual(1_600);
    }
  });

  test("rule 1: a peer that accepts and hangs up is not hammered", () => {
    const bench = new Bench({}, LOW).start();
    for (let i = 0; i < 30; i++) {
      bench.open().lose();
      bench.wait();
    }
    const { dials } = bench;
    for (let i = 10; i < dials.length; i++) {
      expect((dials[i] ?? NaN) - (dials[i - 10] ?? NaN)).toBeGreaterThanOrEqual(10_000);
    }
  });

  test("rule 1: a storm of a user's wakes is not a storm of dials", () => {
    const bench = failFrom({});
    for (let i = 0; i < 2_000; i++) {
      if (bench.state.at === "dialing") bench.fail();
      bench.wake().pass(10);
    }
    expect(bench.dials.length).toBeLessThanOrEqual(30);
    expect(bench.dials.length).toBeGreaterThanOrEqual(20);
  });

  test("rule 1: a hint of 0 and a hook that says 0 keep the floor", () => {
    const bench = failFrom({}).fail({ code: "busy", message: "busy", retryAfterMs: 0 });
    expect(bench.waitMs).toBe(100);
    bench.feed({ type: "adjusted", dial: 1, delayMs: 0 });
    expect(bench.waitMs).toBe(100);
  });
});

describe("rule 1: refused at construction", () => {
  const bad = [0, -1, NaN, Infinity, -Infinity];
  const cases: readonly (readonly [string, (value: number) => Policy])[] = [
    ["backoff.initialMs", (v) => ({ backoff: { initialMs: v } })],
    ["backoff.factor", (v) => ({ backoff: { factor: v } })],
    ["backoff.maxMs", (v) => ({ backoff: { maxMs: v } })],
    ["backoff.jitter.ratio", (v) => ({ backoff: { jitter: { kind: "proportional", ratio: v } } })],
    ["backoff.jitter.ms", (v) => ({ backoff: { jitter: { kind: "additive", ms: v } } })],
    ["heartbeat.intervalMs", (v) => ({ heartbeat: { intervalMs: v } })],
    ["heartbeat.timeoutMs", (v) => ({ heartbeat: { timeoutMs: v } })],
    ["dialTimeoutMs", (v) => ({ dialTimeoutMs: v })],
    ["stableAfterMs", (v) => ({ stableAfterMs: v })],
    ["maxReconnectWindowMs", (v) => ({ maxReconnectWindowMs: v })],
    ["maxRetryAfterMs", (v) => ({ maxRetryAfterMs: v })],
  ];

  test.each(cases)("rule 1: %s", (name, policy) => {
    for (const value of bad) {
      expect(() => resolveConfig(policy(value)), `${name} = ${value}`).toThrow(
        expect.objectContaining({ code: "bad_config", kind: "fatal", text: expect.stringContaining(name) }),
      );
    }
  });

  test.each(["maxAttempts", "giveUpAfterMs"])("rule 1: %s, where Infinity means never", (name) => {
    for (const value of bad.filter((v) => v !== Infinity)) {
      expect(() => resolveConfig({ [name]: value })).toThrow(HoldfastError);
    }
    expect(resolveConfig({ [name]: Infinity })).toMatchObject({ [name]: Infinity });
  });

  test("rule 1: heartbeat.maxFailures may be 0 and must be whole", () => {
    for (const value of [-1, 1.5, NaN, Infinity]) {
      expect(() => resolveConfig({ heartbeat: { maxFailures: value } })).toThrow(/heartbeat\.maxFailures/);
    }
    expect(resolveConfig({ heartbeat: { maxFailures: 0 } }).heartbeat?.maxFailures).toBe(0);
  });

  test.each([
    ["factor below 1", { factor: 0.99 }, /factor must be a number of at least 1/],
    ["initial above max", { initialMs: 5_000, maxMs: 4_999 }, /initialMs must be at most backoff\.maxMs/],
    ["max below 100 ms", { initialMs: 1, maxMs: 99 }, /maxMs must be at least 100 ms/],
    ["a ratio above 1", { jitter: { kind: "proportional", ratio: 1.01 } }, /ratio must be at most 1/],
  ] as const)("rule 1: %s", (_name, backoff, message) => {
    expect(() => resolveConfig({ backoff })).toThrow(message);
  });

  test("rule 1: the edges are allowed", () => {
    expect(() =>
      resolveConfig({
        backoff: { initialMs: 100, maxMs: 100, factor: 1, jitter: { kind: "proportional", ratio: 1 } },
      }),
    ).not.toThrow();
  });

  test("rule 1: every default", () => {
    expect(resolveConfig()).toEqual({
      strategy: "exponential",
      initialMs: 1_000,
      factor: 2,
      maxMs: 10_000,
      refusedMaxMs: 60_000,
      jitter: { kind: "full" },
      firstRetry: "spread",
      resetOn: "stable",
      heartbeat: {
        intervalMs: 10_000,
        timeoutMs: 15_000,
        busyTimeoutMs: 8_000,
        maxFailures: 3,
        noProgressMs: 30_000,
      },
      reconnect: true,
      failFast: true,
      maxAttempts: Infinity,
      giveUpAfterMs: Infinity,
      dialTimeoutMs: 10_000,
      stableAfterMs: 10_000,
      maxReconnectWindowMs: 10_000,
      maxRetryAfterMs: 600_000,
      strictIdentity: false,
    });
  });
});

describe("rule 1: refused at construction, whoever the caller is", () => {
  test.each([
    ["strategy", { strategy: "quadratic" }],
    ["jitter.kind", { jitter: { kind: "some" } }],
    ["firstRetry", { firstRetry: "soon" }],
    ["resetOn", { resetOn: "whim" }],
  ])("rule 1: an unknown %s", (name, backoff) => {
    expect(() => resolveConfig({ backoff } as Policy)).toThrow(`bad_config: backoff.${name} must be one of`);
  });
});
