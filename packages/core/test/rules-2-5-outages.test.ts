// DESIGN section 5, rules 2 to 5: what an outage is, the first retry, hints, and being replaced.
import { HoldfastError } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { Bench, BUSY, EXPIRED, HIGH, LOW, MIDDLE, PEER_LEFT, PINGS, REFUSED, waits } from "./bench.ts";

const drain = (bench: Bench, windowMs: number | undefined): void =>
  void bench.feed({ type: "drain_announced", dial: bench.state.memory.dial, windowMs });
const CUT = { code: "connection_reset", message: "reset" } as const;
const hinted = (retryAfterMs: number) => ({ ...BUSY, retryAfterMs });

describe("rule 2: failures and stability", () => {
  test("rule 2: failures is reset after ten seconds up, not before", () => {
    const bench = new Bench().start();
    waits(bench, 4);
    bench.open().pass(9_999).hear();
    expect(bench.status.failures).toBe(4);
    bench.pass(1);
    expect(bench.status.failures).toBe(0);
  });

  test("rule 2: a loss at exactly stableAfter counts as stable, a millisecond before it does not", () => {
    for (const [upMs, failures] of [
      [9_999, 3],
      [10_000, 0],
    ] as const) {
      const bench = new Bench().start();
      waits(bench, 2);
      bench.open();
      bench.now += upMs;
      expect(bench.lose().status.failures).toBe(failures);
    }
  });

  test("rule 2: a link that connects and drops at once is a failure, and attempt is 1 each time", () => {
    const bench = new Bench({ backoff: { jitter: { kind: "none" } } }).start();
    const seen = Array.from({ length: 6 }, () => {
      bench.open().lose();
      const { attempt, failures } = bench.status;
      return [bench.wait(), attempt, failures];
    });
    expect(seen).toEqual([
      [1_000, 1, 1],
      [2_000, 1, 2],
      [4_000, 1, 3],
      [8_000, 1, 4],
      [10_000, 1, 5],
      [10_000, 1, 6],
    ]);
  });

  test("rule 2: connected and the epoch come in the same step, and only with `opened`", () => {
    const bench = new Bench().start().hear();
    expect(bench.status).toMatchObject({ state: "connecting", phase: "dialing", epoch: 0, attempt: 1 });
    bench.open();
    expect(bench.status).toMatchObject({ state: "connected", epoch: 1, attempt: 0 });
    bench.lose().wait();
    expect(bench.status).toMatchObject({ state: "reconnecting", epoch: 1, attempt: 1 });
    expect(bench.open().status).toMatchObject({ state: "connected", epoch: 2 });
  });

  test("rule 2: stableAfter is configurable", () => {
    const bench = new Bench({ stableAfterMs: 500 }).start().fail();
    bench.wait();
    expect(bench.open().pass(500).status.failures).toBe(0);
  });
});

describe("rule 3: the first retry after a stable link", () => {
  const first = (windowMs: number | undefined, details = PEER_LEFT, random = HIGH): number =>
    new Bench({}, random).stable({ ...PINGS, windowMs }).lose(details).waitMs;

  test("rule 3: the peer ended it: U(0 .. announced window), at most 10 s", () => {
    expect(first(4_000)).toBeCloseTo(4_000);
    expect(first(4_000, PEER_LEFT, MIDDLE)).toBe(2_000);
    expect(first(4_000, PEER_LEFT, LOW)).toBe(0);
    expect(first(60_000)).toBeCloseTo(10_000);
  });

  test("rule 3: the peer ended it and announced nothing: U(0 .. 250 ms)", () => {
    expect(first(undefined)).toBeCloseTo(250);
    expect(first(undefined, PEER_LEFT, LOW)).toBe(0);
  });

  test("rule 3: a local error or the network's: U(0 .. 250 ms), whatever was announced", () => {
    expect(first(10_000, CUT)).toBeCloseTo(250);
    expect(first(10_000, { code: "gone", message: "gone", fault: "local" } as never)).toBeCloseTo(250);
  });

  test("rule 3: a liveness timeout: U(0 .. 250 ms), whatever was announced", () => {
    const bench = new Bench({}, HIGH).stable({ ...PINGS, windowMs: 10_000 });
    drain(bench, 60_000);
    bench.pass(15_000);
    expect(bench.status).toMatchObject({ failure: { code: "no_life" }, failures: 0 });
    expect(bench.waitMs).toBeCloseTo(250);
  });

  test("rule 3: an address change: U(0 .. 250 ms), whatever was announced", () => {
    const bench = new Bench({}, HIGH).stable({ ...PINGS, windowMs: 10_000 }).wake("network", true);
    expect(bench.status).toMatchObject({ failure: { code: "address_gone" }, failures: 0 });
    expect(bench.waitMs).toBeCloseTo(250);
  });

  test("rule 3: sleep: the probe that fails is followed by U(0 .. 250 ms)", () => {
    const bench = new Bench({}, HIGH)
      .stable({ ...PINGS, windowMs: 10_000 })
      .wake("sleep")
      .pass(2_000);
    expect(bench.status).toMatchObject({ failure: { code: "no_life" } });
    expect(bench.waitMs).toBeCloseTo(250);
  });

  test("rule 3: P4: five hundred clients that are dropped together do not come back together", () => {
    const delays = Array.from({ length: 500 }, (_, i) => first(10_000, PEER_LEFT, () => (i * 0.618_034) % 1));
    const mean = delays.reduce((a, b) => a + b) / delays.length;
    const sd = Math.sqrt(delays.reduce((a, b) => a + (b - mean) ** 2, 0) / delays.length);
    expect(mean).toBeGreaterThan(4_500);
    expect(sd, "that of a uniform spread over the window").toBeGreaterThan(10_000 / Math.sqrt(12) - 100);
  });

  test("rule 3: a planned drain's window is not cut", () => {
    const bench = new Bench({}, HIGH).stable();
    drain(bench, 100_000);
    expect(bench.status.draining).toBe(true);
    expect(bench.lose().waitMs).toBeCloseTo(100_000);
    expect(bench.status.draining).toBe(false);
  });

  test("rule 3: a drain without a window of its own uses the link's, cut", () => {
    const bench = new Bench({}, HIGH).stable({ ...PINGS, windowMs: 60_000 });
    drain(bench, undefined);
    expect(bench.lose().waitMs).toBeCloseTo(10_000);
  });

  test("rule 3: maxReconnectWindow is configurable", () => {
    const bench = new Bench({ maxReconnectWindowMs: 100_000 }, HIGH).stable({ ...PINGS, windowMs: 60_000 });
    expect(bench.lose().waitMs).toBeCloseTo(60_000);
  });

  test("rule 3: a second retry takes the schedule", () => {
    const bench = new Bench({}, HIGH).stable().lose();
    bench.wait();
    expect(waits(bench, 3).map(Math.round)).toEqual([1_000, 2_000, 4_000]);
  });

  test.each([NaN, -1, -Infinity, Infinity])(
    "rule 3: a window of %d from the peer stops nothing",
    (window) => {
      for (const planned of [false, true]) {
        const bench = new Bench({}, HIGH).stable({ ...PINGS, windowMs: window });
        if (planned) drain(bench, window);
        bench.lose();
        expect(bench.waitMs).toBeGreaterThanOrEqual(0);
        expect(bench.waitMs).toBeLessThanOrEqual(600_000);
        const { status } = bench;
        expect("delayMs" in status ? status.delayMs : NaN).toBeGreaterThanOrEqual(0);
        bench.wait();
        expect(bench.state.at).toBe("dialing");
      }
    },
  );
});

describe("rule 4: hints and refusals", () => {
  test("rule 4: a hint is never undercut and jittered by a tenth, at most a second", () => {
    for (const [hintMs, mostMs] of [
      [2_000, 2_200],
      [60_000, 61_000],
    ] as const) {
      expect(new Bench({}, LOW).start().fail(hinted(hintMs)).waitMs).toBe(hintMs);
      expect(new Bench({}, HIGH).start().fail(hinted(hintMs)).waitMs).toBeCloseTo(mostMs);
    }
  });

  test("rule 4: hints are clamped to ten minutes, Infinity and 10^12 ms too", () => {
    for (const hintMs of [10 ** 12, Infinity, 2 ** 31]) {
      expect(new Bench({}, HIGH).start().fail(hinted(hintMs)).waitMs).toBeCloseTo(601_000);
    }
  });

  test("rule 4: maxRetryAfter is configurable, and no wait is longer than a timer takes", () => {
    expect(new Bench({ maxRetryAfterMs: 5_000 }, LOW).start().fail(hinted(60_000)).waitMs).toBe(5_000);
    const bench = new Bench({ maxRetryAfterMs: 10 ** 12 }, HIGH).start().fail(hinted(10 ** 12));
    expect(bench.waitMs).toBe(2 ** 31 - 1);
  });

  test("rule 4: a hint that is no number, or negative, is none", () => {
    expect(new Bench({}, MIDDLE).start().fail(hinted(NaN)).waitMs).toBe(500);
    expect(new Bench({}, MIDDLE).start().fail(hinted(-5)).waitMs).toBe(100);
  });

  test("rule 4: a hint holds for one retry only", () => {
    const bench = new Bench({}, HIGH).start().fail(hinted(60_000));
    bench.wait();
    expect(bench.fail(REFUSED).waitMs).toBeCloseTo(2_000);
  });

  test("rule 4: a hint at the end of a link is honoured too", () => {
    expect(new Bench({}, LOW).stable().lose(hinted(30_000)).waitMs).toBe(30_000);
    expect(new Bench({}, LOW).start().open().lose(hinted(30_000)).waitMs).toBe(30_000);
  });

  test("rule 4: every delay fits a 31-bit timer", () => {
    const bench = new Bench({ backoff: { initialMs: 10 ** 12, maxMs: 10 ** 12 } }, HIGH).start().fail();
    expect(bench.waitMs).toBe(2 ** 31 - 1);
    bench.feed({ type: "adjusted", dial: 1, delayMs: 10 ** 15 });
    expect(bench.waitMs).toBe(2 ** 31 - 1);
  });

  test("rule 4: refusals by a live peer without a hint double the cap, up to 60 s", () => {
    const bench = new Bench({ backoff: { jitter: { kind: "none" } } }).start();
    expect(waits(bench, 9, BUSY)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
  });

  test("rule 4: what the network does doubles nothing", () => {
    const bench = new Bench({ backoff: { jitter: { kind: "none" } } }).start();
    expect(waits(bench, 6, REFUSED).at(-1)).toBe(10_000);
  });

  test("rule 4: a hinted refusal and a refused credential double nothing", () => {
    const bench = new Bench({ backoff: { jitter: { kind: "none" } } }).start();
    waits(bench, 6, hinted(1_000));
    expect(bench.state.memory.refusals).toBe(0);
    bench.fail(EXPIRED);
    expect(bench.state.memory.refusals).toBe(0);
  });

  test("rule 4: the user's own maximum is never exceeded", () => {
    const bench = new Bench({ backoff: { jitter: { kind: "none" }, maxMs: 3_000 } }).start();
    expect(waits(bench, 6, BUSY)).toEqual([1_000, 2_000, 3_000, 3_000, 3_000, 3_000]);
  });

  test("rule 4: the doubling ends with a stable link, and not with a short one", () => {
    const bench = new Bench({ backoff: { jitter: { kind: "none" } } }).start();
    waits(bench, 8, BUSY);
    bench.open().lose();
    expect(bench.waitMs).toBe(60_000);
    bench.wait();
    bench.stable().lose(REFUSED);
    bench.wait();
    expect(waits(bench, 6, REFUSED).at(-1)).toBe(10_000);
  });
});

describe("rule 5: replaced and restarted", () => {
  const replaced = { code: "replaced", message: "a newer instance", fault: "peer" } as const;

  test("rule 5: replaced is terminal, on a dial and on a link, and however it is classified", () => {
    for (const kind of ["fatal", "transient", "unauthorized", "throttled"] as const) {
      const failure = { ...replaced, kind };
      expect(new Bench().start().fail(failure).reason).toBe("replaced");
      expect(new Bench().stable().lose(failure).reason).toBe("replaced");
    }
  });

  test("rule 5: two owners: one dial each, then rest", () => {
    const bench = new Bench().start().open().lose(replaced).pass(3_600_000);
    bench.wake("user").wake("network");
    expect(bench.dials).toHaveLength(1);
    expect(bench.status).toMatchObject({ state: "disconnected", reason: { error: { code: "replaced" } } });
  });

  test.each(["restarting", "relay_lost"])("rule 5: %s resets the backoff of a link however young", (code) => {
    const bench = new Bench({}, HIGH).start();
    waits(bench, 5, BUSY);
    bench.open({ ...PINGS, windowMs: 3_000 }).lose({ code, message: code, fault: "peer" });
    expect(bench.status.failures).toBe(0);
    expect(bench.state.memory.refusals).toBe(0);
    expect(bench.waitMs, "rule 3 gives the delay").toBeCloseTo(3_000);
  });

  test("rule 5: an announced drain resets the backoff of a link however young", () => {
    const bench = new Bench({}, HIGH).start();
    waits(bench, 5);
    bench.open();
    drain(bench, 20_000);
    expect(bench.lose().waitMs).toBeCloseTo(20_000);
    expect(bench.status.failures).toBe(0);
  });

  test("rule 5: a drain does not excuse a link that the network cut", () => {
    const bench = new Bench({}, HIGH).start().open();
    drain(bench, 20_000);
    expect(bench.lose(CUT).status.failures).toBe(1);
  });
});

test("rule 13: errors are one class with code, fault, retryable and cause", () => {
  const cause = new Error("below");
  const error = new HoldfastError({
    code: "busy",
    message: "too many",
    kind: "throttled",
    fault: "peer",
    cause,
  });
  expect(error).toMatchObject({
    name: "HoldfastError",
    message: "busy: too many",
    text: "too many",
    fault: "peer",
    retryable: true,
    cause,
  });
  expect(new HoldfastError({ code: "x", message: "y" })).toMatchObject({
    kind: "transient",
    fault: "network",
  });
  expect("cause" in new HoldfastError({ code: "x", message: "y" })).toBe(false);
  for (const [kind, retryable] of [
    ["fatal", false],
    ["transient", true],
    ["throttled", true],
    ["unauthorized", true],
  ] as const) {
    expect(new HoldfastError({ code: "x", message: "y", kind }).retryable).toBe(retryable);
  }
});
