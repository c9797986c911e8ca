// DESIGN section 5, rule 24 and the cost: one timer, monotonic deadlines, wall-clock faces, late and early timers.
import { describe, expect, test } from "vitest";
import { Stage, refused, settle } from "./stage.ts";

describe("cost: one timer for each line", () => {
  test("one timer, armed at most once, through a whole life", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    for (let i = 0; i < 20; i++) {
      await stage.last.fail(refused());
      expect(stage.clock.armed).toBe(1);
      await stage.redialled();
    }
    await stage.last.open();
    await stage.clock.pass(100_000);
    expect(stage.clock.made).toBe(1);
    await line.close();
    expect(stage.clock.armed).toBe(0);
  });

  test("bytes arm no timer and make no promise: a busy link costs nothing", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const armed = stage.clock.delays.length;
    for (let i = 0; i < 10_000; i++) stage.last.attempt.heard();
    expect(stage.clock.delays).toHaveLength(armed);
    await line.close();
  });

  test("data that moves neither moves the timer nor shows", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const { attempt } = stage.last;
    attempt.progress(1, 0);
    const armed = stage.clock.delays.length;
    const before = line.changes();
    await before.next();
    const next = before.next();
    for (let i = 0; i < 1_000; i++) {
      stage.clock.now += 1;
      attempt.heard();
      attempt.progress(1_000, i);
    }
    expect(stage.clock.delays).toHaveLength(armed);
    void line.close();
    expect((await next).value).toMatchObject({ state: "disconnected" });
  });

  test("rule 22: of the data that moves, a glimpse each 100 ms is passed on, and every end of a silence", async () => {
    const stage = new Stage();
    const line = await stage.up({ heartbeat: { timeoutMs: 60_000, intervalMs: 50_000 } });
    const { attempt } = stage.last;
    for (let ms = 0; ms < 200_000; ms += 50) {
      attempt.heard();
      attempt.progress(1_000, ms);
      await (ms % 10_000 === 0 ? stage.clock.pass(50) : Promise.resolve((stage.clock.now += 50)));
    }
    expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
    attempt.progress(0, 200_000);
    attempt.progress(1_000, 200_000);
    for (let s = 0; s < 119; s++) {
      attempt.heard();
      attempt.progress(1_000, 200_000);
      await stage.clock.pass(1_000);
    }
    expect(line.status.state, "the clock began with the data that waits").toBe("connected");
    attempt.heard();
    await stage.clock.pass(1_000);
    expect(line.status).toMatchObject({ failure: { code: "no_progress" } });
    await line.close();
  });

  test("an idle link wakes the process for pings alone", async () => {
    const stage = new Stage();
    const line = await stage.stable();
    const before = stage.clock.delays.length;
    for (let i = 0; i < 10; i++) {
      stage.last.attempt.heard();
      await stage.clock.pass(10_000);
    }
    expect(stage.clock.delays.length - before).toBeLessThanOrEqual(30);
    await line.close();
  });
});

describe("rule 4: every delay fits a 31-bit timer", () => {
  test("rule 4: settings beyond it are split, not fired at once (B8)", async () => {
    const stage = new Stage();
    const line = await stage.up({
      dialTimeoutMs: 10 ** 12,
      stableAfterMs: 10 ** 12,
      heartbeat: { intervalMs: 10 ** 11, timeoutMs: 10 ** 12 },
      giveUpAfterMs: 10 ** 12,
    });
    await stage.clock.pass(3 * 2 ** 31);
    expect(Math.max(...stage.clock.delays)).toBe(2 ** 31 - 1);
    expect(stage.clock.delays.length).toBeLessThan(20);
    expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
    await line.close();
  });

  test("rule 4: a hint of 10^12 ms is ten minutes (P6)", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    await stage.last.fail({ code: "BUSY", retryAfterMs: 10 ** 12 });
    expect(line.status).toMatchObject({ phase: "waiting", delayMs: 600_500 });
    await line.close();
  });
});

describe("rule 24: clocks", () => {
  test("rule 24: deadlines use mono: wall may jump an hour either way (B13)", async () => {
    for (const jumpMs of [3_600_000, -3_600_000]) {
      const stage = new Stage();
      const line = await stage.stable();
      stage.clock.wallShiftMs += jumpMs;
      await stage.clock.pass(9_000);
      stage.last.attempt.heard();
      await stage.clock.pass(9_000);
      expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
      stage.last.attempt.lost();
      await stage.clock.pass(125);
      expect(stage.calls).toHaveLength(2);
      await line.close();
    }
  });

  test("rule 24: shown times use wall", async () => {
    const stage = new Stage();
    const line = await stage.up();
    stage.clock.wallShiftMs = 5_000_000;
    await stage.clock.pass(1_000);
    stage.last.attempt.heard();
    stage.last.attempt.lost();
    expect(line.status).toMatchObject({ since: 5_001_000, lastHeard: 5_001_000 });
    await line.close();
  });

  test("rule 24: after a sleep that the monotonic clock did not see, what was heard is as old as it is", async () => {
    const stage = new Stage();
    const line = await stage.up();
    await stage.clock.pass(1_000);
    stage.last.attempt.heard();
    const { lastHeard, since } = line.status;
    stage.clock.wallShiftMs += 8 * 3_600_000;
    expect(line.status).toMatchObject({ state: "connected", lastHeard, since });
    line.wake("network");
    stage.last.attempt.lost();
    expect(line.status).toMatchObject({ state: "reconnecting", lastHeard });
    expect(line.status.since).toBe(stage.clock.wall());
    await line.close();
  });

  test("rule 24: the next retry is told by the clock as it is now", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    await stage.last.fail(refused());
    const { status } = line;
    if (!("retryAt" in status)) throw new Error("not waiting");
    stage.clock.wallShiftMs += 3_600_000;
    expect(line.status).toMatchObject({ retryAt: status.retryAt + 3_600_000 });
    await line.close();
  });

  test("a timer that fires early, again and again, does nothing early", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    await stage.last.fail(refused());
    for (let ms = 0; ms < 499; ms++) {
      stage.clock.now += 1;
      stage.clock.fireEarly();
      await settle();
      expect(stage.calls).toHaveLength(1);
    }
    stage.clock.now += 1;
    stage.clock.fireDue();
    await settle();
    expect(stage.calls).toHaveLength(2);
    await line.close();
  });

  test("deadlines between two milliseconds do not spin", async () => {
    const stage = new Stage();
    stage.random = () => 0.123_456_789;
    const line = stage.line();
    await settle();
    await stage.last.fail(refused());
    const armed = stage.clock.delays.length;
    await stage.redialled();
    expect(stage.clock.delays.length - armed).toBeLessThanOrEqual(3);
    expect(stage.clock.delays.every((ms) => Number.isInteger(ms))).toBe(true);
    await line.close();
  });

  test("rule 24: a late timer lets bytes in first, then probes, before it declares anybody dead (B21)", async () => {
    const stage = new Stage();
    const line = await stage.stable();
    stage.clock.now += 20_000;
    stage.clock.fireDue();
    expect(line.status.state).toBe("connected");
    expect(stage.last.link.pings, "bytes first").toBe(0);
    await stage.clock.pass(0);
    expect(stage.last.link.pings).toBe(1);
    await stage.clock.pass(1_000);
    stage.last.attempt.heard();
    await stage.clock.pass(5_000);
    expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
    await line.close();
  });

  test("rule 24: a busy line cannot put a late timer off for ever", async () => {
    const stage = new Stage();
    const line = await stage.stable();
    stage.clock.now += 20_000;
    stage.clock.fireDue();
    stage.last.attempt.progress(100, 1);
    stage.clock.fireDue();
    expect(stage.last.link.pings).toBe(1);
    await line.close();
  });

  test("rule 24: bytes that had been waiting in the socket are life, and nobody is asked", async () => {
    const stage = new Stage();
    const line = await stage.stable();
    stage.clock.now += 20_000;
    stage.clock.fireDue();
    stage.last.attempt.heard();
    await stage.clock.pass(0);
    expect(stage.last.link.pings).toBe(0);
    expect(line.status.state).toBe("connected");
    await line.close();
  });

  test("rule 24: a peer that is really gone is given up two seconds after the process came back", async () => {
    const stage = new Stage();
    const line = await stage.stable();
    stage.clock.now += 20_000;
    stage.clock.fireDue();
    await stage.clock.pass(1_999);
    expect(line.status.state).toBe("connected");
    await stage.clock.pass(1);
    expect(line.status).toMatchObject({ state: "reconnecting", failure: { code: "no_life" } });
    await line.close();
  });

  test("rule 24: a clock that leaps a year while the line waits dials, and counts no more than once", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    await stage.last.fail(refused());
    stage.clock.now += 365 * 86_400_000;
    stage.clock.fireDue();
    await stage.clock.pass(0);
    expect(stage.calls).toHaveLength(2);
    expect(line.status).toMatchObject({ phase: "dialing", failures: 1 });
    await line.close();
  });
});
