// Dials and links that do what they must not: the line stays whole, one link at a time, and no promise is lost.
import type { Dial } from "@holdfast/net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeLink, Stage, refused, settle } from "./stage.ts";

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => void process.on("unhandledRejection", note));
afterEach(async () => {
  await settle();
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0), "promises rejected and left alone").toEqual([]);
});
const bomb = (): never => {
  throw new Error("a bomb");
};

describe("dials", () => {
  test("that throw synchronously are failed dials", async () => {
    const stage = new Stage();
    const line = stage.line({ dial: () => bomb() });
    await settle();
    expect(line.status).toMatchObject({ phase: "waiting", failures: 1, failure: { text: "a bomb" } });
    await line.close();
  });

  test("with a bug in them are fatal, and say so", async () => {
    const stage = new Stage();
    const dial = (() => (undefined as unknown as FakeLink).closes) as unknown as Dial<FakeLink>;
    expect(await stage.line({ dial }).closed).toMatchObject({
      code: "failed",
      error: { code: "programming_error", kind: "fatal" },
    });
  });

  test.each([undefined, null])(
    "that resolve with %s are a bug too",
    async (nothing) => {
      const stage = new Stage();
      const line = stage.line({ dial: () => Promise.resolve(nothing as unknown as FakeLink) });
      await settle();
      expect(line.link).toBeUndefined();
      expect(line.status.state).not.toBe("connected");
      await line.close();
    },
    5_000,
  );

  test("that never settle are cut by their deadline, again and again", async () => {
    const stage = new Stage();
    const line = stage.line({ dial: (attempt) => stage.dial(attempt) });
    await stage.clock.pass(100_000);
    expect(stage.calls.length).toBeGreaterThan(5);
    expect(stage.calls.slice(0, -1).every(({ attempt }) => attempt.signal.aborted)).toBe(true);
    await line.close();
  });

  test("that resolve after the abort have their link closed, and change nothing", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    const first = stage.last;
    await stage.clock.pass(10_000);
    await first.open();
    expect(first.link.closes).toBe(1);
    expect(line.status.epoch).toBe(0);
    await stage.redialled();
    await stage.last.open();
    expect(line.link).toBe(stage.last.link);
    await line.close();
    expect(stage.openLinks).toBe(0);
  });

  test("that are lost before they resolve are failed dials, and the link is closed", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    stage.last.attempt.lost(refused());
    expect(line.status).toMatchObject({ phase: "waiting", failures: 1, epoch: 0 });
    await stage.last.open();
    expect(stage.last.link.closes).toBe(1);
    expect(line.status.epoch).toBe(0);
    await line.close();
  });

  test("whose link ends in the very turn in which it is made never count as connected twice", async () => {
    const stage = new Stage();
    const link = new FakeLink();
    let dials = 0;
    const line = stage.line({
      dial: (attempt) => {
        dials += 1;
        queueMicrotask(() => attempt.lost());
        return Promise.resolve(link);
      },
    });
    await settle();
    expect(line.status).toMatchObject({ phase: "waiting", failures: 1 });
    expect(link.closes).toBe(1);
    await stage.clock.pass(60_000);
    expect(dials, "and the peer is not hammered").toBeLessThan(20);
    await line.close();
  });

  test("that report everything before they resolve disturb nobody", async () => {
    const stage = new Stage();
    const line = stage.line({
      dial: (attempt) => {
        attempt.heard();
        attempt.progress(10, 10);
        attempt.draining(5);
        return stage.dial(attempt);
      },
    });
    await settle();
    await stage.last.open();
    expect(line.status).toMatchObject({ state: "connected", draining: false });
    await line.close();
  });

  test("whose abort listener throws", async () => {
    const stage = new Stage();
    const thrown: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => thrown.push(error));
    const line = stage.line({
      dial: (attempt) => {
        attempt.signal.addEventListener("abort", bomb);
        return stage.dial(attempt);
      },
    });
    await settle();
    expect((await line.close()).code).toBe("closed");
    await settle();
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(thrown, "it is the application's own, and Node reports it").toMatchObject([{ message: "a bomb" }]);
    expect(stage.clock.armed).toBe(0);
  });
});

describe("links", () => {
  test("whose close throws are given up all the same", async () => {
    const stage = new Stage();
    const line = await stage.up();
    stage.last.link.onClose = bomb;
    stage.last.attempt.lost();
    await stage.redialled();
    await stage.last.open();
    expect(line.status.epoch).toBe(2);
    stage.last.link.onClose = bomb;
    expect((await line.close()).code).toBe("closed");
  });

  test("whose close is an async function that rejects", async () => {
    const stage = new Stage();
    const line = await stage.up();
    stage.last.link.onClose = () => undefined;
    Object.assign(stage.last.link, { close: () => Promise.reject(new Error("async bomb")) });
    await line.close();
  });

  test("that are lost twice, and heard from after the end, count once", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const { attempt, link } = stage.last;
    attempt.heard();
    const { lastHeard } = line.status;
    await stage.clock.pass(1_000);
    attempt.lost();
    attempt.lost(new Error("again"));
    attempt.heard();
    expect(line.status.lastHeard).toBe(lastHeard);
    expect(line.status).toMatchObject({ failures: 1, failure: { code: "closed_by_peer", fault: "peer" } });
    expect(link.closes).toBe(1);
    await line.close();
  });

  test.each([
    ["throws", bomb],
    ["rejects", () => Promise.reject(new Error("a bomb"))],
  ])("whose ping %s die by the first one, as byte streams do", async (_name, onPing) => {
    const stage = new Stage();
    const line = await stage.up();
    stage.last.link.onPing = onPing;
    await stage.clock.pass(10_000);
    expect(line.status).toMatchObject({ state: "reconnecting", failure: { text: "a bomb" } });
    expect(stage.last.link.closes).toBe(1);
    await line.close();
  });

  test("rule 21: that survive a failed ping die by the third", async () => {
    const stage = new Stage();
    const line = stage.line({ heartbeat: { intervalMs: 4_000, timeoutMs: 60_000 } });
    await settle();
    stage.last.link.survivesPingFailure = true;
    stage.last.link.onPing = bomb;
    await stage.last.open();
    await stage.clock.pass(11_999);
    expect(line.status.state).toBe("connected");
    await stage.clock.pass(1);
    expect(line.status).toMatchObject({ state: "reconnecting", failure: { text: "a bomb" } });
    await line.close();
  });

  test("whose ping never settles die of silence, on time", async () => {
    const stage = new Stage();
    const line = await stage.up();
    stage.last.link.onPing = () => new Promise(() => undefined);
    await stage.clock.pass(14_999);
    expect(line.status.state).toBe("connected");
    await stage.clock.pass(1);
    expect(line.status).toMatchObject({ failure: { code: "no_life" } });
    await line.close();
  });

  test("whose ping fails after the link ended are forgotten", async () => {
    const stage = new Stage();
    const line = await stage.up();
    let fail: (error: Error) => void = () => undefined;
    stage.last.link.onPing = () => new Promise((_, reject) => (fail = reject));
    await stage.clock.pass(10_000);
    stage.last.attempt.lost();
    await stage.redialled();
    await stage.last.open();
    fail(new Error("late"));
    await settle();
    expect(line.status).toMatchObject({ state: "connected", epoch: 2 });
    await line.close();
  });

  test("whose ping reports the loss at once", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const { attempt, link } = stage.last;
    link.onPing = () => attempt.lost(refused());
    await stage.clock.pass(10_000);
    expect(line.status).toMatchObject({ state: "reconnecting", failures: 0 });
    expect(link.closes).toBe(1);
    await line.close();
  });

  test("rule 22: that move nothing are hung up although their pings pass", async () => {
    const stage = new Stage();
    const line = await stage.up();
    for (let s = 0; s < 30; s++) {
      stage.last.attempt.progress(5_000, 7);
      stage.last.attempt.heard();
      expect(line.status.state).toBe("connected");
      await stage.clock.pass(1_000);
    }
    expect(line.status).toMatchObject({ state: "reconnecting", failure: { code: "no_progress" } });
    await line.close();
  });

  test("that were idle survive the first write", async () => {
    const stage = new Stage();
    const line = await stage.up();
    await stage.clock.pass(8_500);
    stage.last.attempt.progress(100, 0);
    await stage.clock.pass(30);
    expect(stage.last.link.pings).toBe(1);
    stage.last.attempt.heard();
    await stage.clock.pass(5_000);
    expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
    await line.close();
  });

  test("are never two at once, whatever is thrown at the line (I1)", async () => {
    const stage = new Stage();
    let seed = 7;
    const dice = (sides: number): number => (seed = (seed * 48_271) % 2_147_483_647) % sides;
    stage.random = () => dice(1_000) / 1_000;
    const line = stage.line();
    for (let i = 0; i < 1_500; i++) {
      const call = stage.calls[Math.max(0, stage.calls.length - 1 - dice(3))];
      if (call === undefined) await settle();
      else {
        const acts: readonly (() => unknown)[] = [
          () => call.open(),
          () => call.fail(refused()),
          () => call.attempt.lost(),
          () => call.attempt.heard(),
          () => line.wake("user"),
          () => line.wake("network"),
        ];
        acts[dice(acts.length)]?.();
      }
      await stage.clock.pass(dice(2_000));
      const attached = stage.calls.filter(({ link }) => link === line.link);
      expect(attached.length).toBe(line.status.state === "connected" ? 1 : 0);
      expect(stage.clock.armed).toBeLessThanOrEqual(1);
    }
    await line.close();
    for (const call of stage.calls) await call.open();
    expect(stage.openLinks, "whatever was made has been closed").toBe(0);
    expect(stage.calls.every(({ link }) => link.closes <= 1)).toBe(true);
    expect(line.status.epoch).toBeGreaterThan(20);
  });
});
