// DESIGN section 5, rules 7 and 8: when a line ends by itself, and what it says then.
import type { HoldfastError } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { Bench, BUSY, EXPIRED, FATAL, HIGH, LOW, REFUSED, waits } from "./bench.ts";

const prompt = { code: "otp", message: "code?", kind: "unauthorized", prompt: "one-time code" } as const;

describe("rule 7: maxAttempts", () => {
  test("rule 7: counts failures, and ends with the real last error and the count", () => {
    const bench = new Bench({ maxAttempts: 4 }).start();
    waits(bench, 3);
    bench.fail({ code: "timed_out", message: "the last" });
    expect(bench.status).toMatchObject({
      state: "disconnected",
      failures: 4,
      failure: { code: "timed_out" },
      reason: { code: "gave_up", failures: 4, error: { code: "timed_out", text: "the last" } },
    });
    expect(bench.dials).toHaveLength(4);
  });

  test("rule 7: short links count, long ones start again", () => {
    const bench = new Bench({ maxAttempts: 3 }).start();
    for (let i = 0; i < 2; i++) {
      bench.open().lose();
      bench.wait();
    }
    bench.stable().lose();
    bench.wait();
    waits(bench, 2);
    expect(bench.state.at).toBe("dialing");
    expect(bench.open().lose().reason).toBe("gave_up");
  });

  test("rule 7: never is the default", () => {
    const bench = new Bench({}, LOW).start();
    waits(bench, 2_000);
    expect(bench.status).toMatchObject({ state: "connecting", failures: 2_000 });
  });
});

describe("rule 7: giveUpAfter", () => {
  test("rule 7: runs from the start until there is a link, with one last attempt when it runs out", () => {
    const bench = new Bench({ giveUpAfterMs: 60_000 }, HIGH).start();
    while (bench.state.at !== "ended") {
      bench.fail();
      if (bench.state.at === "waiting") bench.wait();
    }
    expect(bench.reason).toBe("gave_up");
    expect(bench.dials.at(-1)).toBe(60_000);
    expect(bench.now).toBe(60_000);
  });

  test("rule 7: runs from the first loss since the last stable link, and a short link does not stop it", () => {
    const bench = new Bench({ giveUpAfterMs: 30_000 }, HIGH).stable().lose();
    const lostAt = bench.now;
    bench.wait();
    while (bench.state.at !== "ended") {
      bench.open().pass(2_000).lose();
      if (bench.state.at === "waiting") bench.wait();
    }
    expect(bench.now - lostAt).toBeGreaterThanOrEqual(30_000);
    expect(bench.now - lostAt).toBeLessThan(33_000);
  });

  test("rule 7: a stable link gives the whole budget back", () => {
    const bench = new Bench({ giveUpAfterMs: 30_000 }).start();
    waits(bench, 4);
    bench.stable().lose();
    const lostAt = bench.now;
    while (bench.state.at === "waiting") {
      bench.wait();
      bench.fail();
    }
    expect(bench.now - lostAt).toBe(30_000);
  });

  test("rule 7: a hint beyond the budget ends it when the budget runs out", () => {
    const bench = new Bench({ giveUpAfterMs: 20_000 }).start().fail({ ...BUSY, retryAfterMs: 60_000 });
    bench.pass(19_999);
    expect(bench.state.at).toBe("waiting");
    bench.pass(1);
    expect(bench.status).toMatchObject({ reason: { code: "gave_up", failures: 1, error: { code: "busy" } } });
  });

  test("rule 7: E15: never expires before one attempt after a wake: waiting", () => {
    const bench = new Bench({ giveUpAfterMs: 20_000 }, HIGH).start().fail({ ...BUSY, retryAfterMs: 60_000 });
    bench.pass(19_000).wake("sleep").pass(40_000);
    expect(bench.state.at, "the hint is kept").toBe("waiting");
    bench.wait();
    expect(bench.state.at, "and the dial is made").toBe("dialing");
    expect(bench.fail().reason).toBe("gave_up");
  });

  test("rule 7: E15: dialing", () => {
    const bench = new Bench({ giveUpAfterMs: 5_000 }).start().pass(4_000).wake("network").pass(4_000);
    bench.wake("network").fail();
    expect(bench.state.at, "the second wake restarts nothing, and one dial must follow it").toBe("waiting");
    bench.wait();
    expect(bench.fail().reason).toBe("gave_up");
  });

  test("rule 7: E15: connected, on a link too young to end the outage", () => {
    const bench = new Bench({ giveUpAfterMs: 5_000 }).start().pass(4_000).open().pass(500);
    bench.wake("sleep").pass(2_000);
    expect(bench.now, "the probe outlives the budget").toBeGreaterThan(5_000);
    expect(bench.state.at, "the one attempt is made at once").toBe("dialing");
    expect(bench.fail().reason).toBe("gave_up");
  });

  test("rule 7: E15: a person who answers has an attempt, however long it took", () => {
    const bench = new Bench({ giveUpAfterMs: 60 }, LOW).start().fail(prompt).pass(61);
    bench.feed({ type: "answered" });
    expect(bench.state.at, "the pacing floor").toBe("waiting");
    bench.wait();
    expect(bench.state.at).toBe("dialing");
  });

  test("rule 7: E15: a budget that runs out in a suspend: one dial first, whatever state it slept in", () => {
    const waiting = new Bench({ giveUpAfterMs: 60_000 }, HIGH)
      .start()
      .fail({ ...BUSY, retryAfterMs: 90_000 });
    waiting.freeze(80_000);
    expect(waiting.state.at).toBe("waiting");
    waiting.wait();
    expect(waiting.fail().reason).toBe("gave_up");

    const due = new Bench({ giveUpAfterMs: 60_000 }).start().fail().freeze(3_600_000);
    expect(due.state.at).toBe("dialing");
    expect(due.fail().reason).toBe("gave_up");

    const dialing = new Bench({ giveUpAfterMs: 60_000 }).start().freeze(3_600_000);
    expect(dialing.status).toMatchObject({ phase: "waiting", failure: { code: "timed_out" } });
    dialing.wait();
    expect(dialing.fail().reason).toBe("gave_up");
  });
});

describe("rule 8: failFast", () => {
  test("rule 8: by default the first dial's failure ends the line at once, with that error", () => {
    const bench = new Bench({ failFast: true }).start().fail();
    expect(bench.status).toMatchObject({
      state: "disconnected",
      reason: { code: "failed", failures: 1, error: { code: "connection_refused" } },
    });
    expect(new Bench({ failFast: true }).config.failFast).toBe(true);
  });

  test("rule 8: off: retried like any other", () => {
    const bench = new Bench({ failFast: false }).start();
    expect(waits(bench, 3)).toEqual([500, 1_000, 2_000]);
  });

  test("rule 8: a predicate decides, by the error", () => {
    const seen: HoldfastError[] = [];
    const failFast = (failure: HoldfastError): boolean => {
      seen.push(failure);
      return failure.code !== "connection_refused";
    };
    expect(new Bench({ failFast }).start().fail(REFUSED).state.at).toBe("waiting");
    expect(new Bench({ failFast }).start().fail(BUSY).reason).toBe("failed");
    expect(seen.map(({ code }) => code)).toEqual(["connection_refused", "busy"]);
  });

  test("rule 8: only the first dial: not the second, and not after a link", () => {
    const second = new Bench({ failFast: ({ code }) => code !== "connection_refused" }).start().fail();
    second.wait();
    expect(second.fail(BUSY).state.at).toBe("waiting");
    const later = new Bench({ failFast: true }).start().open().lose();
    later.wait();
    expect(later.fail().state.at).toBe("waiting");
  });

  test("rule 8: a refused credential is tried again with a fresh one first, and only once", () => {
    const bench = new Bench({ failFast: true }).start().fail(EXPIRED);
    bench.wait();
    expect(bench.fail(REFUSED).reason).toBe("failed");
    const again = new Bench({ failFast: true }).start().fail(EXPIRED);
    again.wait();
    expect(again.fail(EXPIRED).reason).toBe("failed");
  });

  test("rule 8: a timeout of the first dial is its failure", () => {
    const bench = new Bench({ failFast: true }).start().pass(10_000);
    expect(bench.status).toMatchObject({ reason: { code: "failed", error: { code: "timed_out" } } });
  });

  test("reconnect: false ends with the first loss or failed dial, whatever it was", () => {
    const off = { reconnect: false, failFast: false } as const;
    expect(new Bench(off).start().fail().reason).toBe("not_reconnecting");
    expect(new Bench(off).start().fail(EXPIRED).reason).toBe("not_reconnecting");
    expect(new Bench(off).stable().lose().reason).toBe("not_reconnecting");
    expect(new Bench(off).start().fail(FATAL).reason).toBe("failed");
  });
});

describe("rule 9: one deadline for a dial", () => {
  test("rule 9: ten seconds, then it is cancelled, to the millisecond", () => {
    const bench = new Bench().start().pass(9_999);
    expect(bench.state.at).toBe("dialing");
    bench.pass(1);
    expect(bench.log.slice(-2).map(({ at, action }) => [at, action.type])).toEqual([
      [10_000, "cancel_dial"],
      [10_000, "consult"],
    ]);
    expect(bench.status).toMatchObject({ failures: 1, failure: { code: "timed_out", fault: "network" } });
  });

  test("rule 9: dialTimeout is configurable, also beyond what one timer takes", () => {
    expect(new Bench({ dialTimeoutMs: 50 }).start().pass(50).state.at).toBe("waiting");
    expect(new Bench({ dialTimeoutMs: 10 ** 12 }).start().pass(10 ** 11).state.at).toBe("dialing");
  });
});

describe("rule 17: close", () => {
  test("rule 17: gives up what is being made or is up, in every state, and is clean", () => {
    const cases: readonly (readonly [Bench, readonly string[]])[] = [
      [new Bench(), []],
      [new Bench().start(), ["cancel_dial"]],
      [new Bench().start().fail(), []],
      [new Bench().stable(), ["hang_up"]],
      [new Bench().start().fail(prompt), []],
    ];
    for (const [bench, expected] of cases) {
      expect(bench.names({ type: "close" })).toEqual(expected);
      expect(bench.status).toMatchObject({ reason: { code: "closed", error: undefined }, attempt: 0 });
      expect(bench.names({ type: "close" }), "twice is harmless").toEqual([]);
    }
  });
});

describe("rule 18: the retrying hook", () => {
  test("rule 18: is consulted once for each wait, with what it needs to decide", () => {
    const bench = new Bench().start().fail();
    expect(bench.log.at(-1)?.action).toMatchObject({
      type: "consult",
      attempt: 2,
      failures: 1,
      delayMs: 500,
      failure: { code: "connection_refused" },
    });
    waits(bench.pass(500), 3);
    expect(bench.count("consult")).toBe(4);
  });

  test("rule 18: may change the delay, either way, counted from the start of the wait", () => {
    const bench = new Bench().start().fail().pass(200);
    bench.feed({ type: "adjusted", dial: 1, delayMs: 5_000 });
    expect(bench.waitMs).toBe(4_800);
    bench.feed({ type: "adjusted", dial: 1, delayMs: 300 });
    expect(bench.waitMs).toBe(100);
  });

  test("rule 18: may veto, which is terminal and carries the last error", () => {
    const bench = new Bench().start().fail();
    bench.feed({ type: "vetoed", dial: 1 });
    expect(bench.status).toMatchObject({
      state: "disconnected",
      reason: { code: "vetoed", error: { code: "connection_refused" }, failures: 1 },
    });
  });

  test("rule 18: an answer that comes late changes nothing (B7)", () => {
    const bench = new Bench().start().fail();
    bench.wait();
    bench.fail();
    const before = bench.state;
    bench.feed({ type: "vetoed", dial: 1 });
    bench.feed({ type: "adjusted", dial: 1, delayMs: 1 });
    expect(bench.state).toBe(before);
  });

  test("rule 18: cannot shorten what the peer asked for", () => {
    const bench = new Bench().start().fail({ ...BUSY, retryAfterMs: 30_000 });
    bench.feed({ type: "adjusted", dial: 1, delayMs: 10 });
    expect(bench.waitMs).toBe(30_000);
  });

  test.each([NaN, -1, -Infinity])("rule 18: a delay of %d is none", (delayMs) => {
    const bench = new Bench().start().fail();
    bench.feed({ type: "adjusted", dial: 1, delayMs });
    expect(bench.waitMs).toBe(100);
  });
});
