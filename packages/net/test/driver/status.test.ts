// DESIGN section 5, rules 14 and 15: the status is complete and level-triggered, and watching it costs nothing.
import { getEventListeners } from "node:events";
import { HoldfastError, type Status } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { Stage, refused, settle } from "./stage.ts";

describe("rule 14: line.status", () => {
  test("rule 14: connecting, dialing", async () => {
    const stage = new Stage();
    const line = stage.line();
    expect(line.status).toEqual({
      state: "connecting",
      phase: "dialing",
      epoch: 0,
      attempt: 1,
      failures: 0,
      since: 1_800_000_000_000,
      lastHeard: undefined,
      failure: undefined,
      draining: false,
    });
    await line.close();
  });

  test("rule 14: waiting: delayMs and retryAt, as wall times, and the real failure", async () => {
    const stage = new Stage();
    const line = stage.line();
    await stage.clock.pass(1_000);
    await stage.last.fail(refused());
    expect(line.status).toMatchObject({
      state: "connecting",
      phase: "waiting",
      attempt: 2,
      failures: 1,
      delayMs: 500,
      retryAt: 1_800_000_001_500,
      since: 1_800_000_001_000,
      failure: { code: "connection_refused" },
    });
    await line.close();
  });

  test("rule 14: connected, draining, lastHeard as of the last byte", async () => {
    const stage = new Stage();
    const line = await stage.up();
    expect(line.status).toMatchObject({ state: "connected", epoch: 1, attempt: 0, draining: false });
    await stage.clock.pass(700);
    stage.last.attempt.heard();
    await stage.clock.pass(300);
    expect(line.status.lastHeard).toBe(1_800_000_000_700);
    stage.last.attempt.draining(5_000);
    expect(line.status.draining).toBe(true);
    expect(line.link).toBe(stage.last.link);
    await line.close();
    expect(line.status).toMatchObject({ state: "disconnected", lastHeard: 1_800_000_000_700 });
  });

  test("rule 14: reconnecting, and disconnected with its reason", async () => {
    const stage = new Stage();
    const line = await stage.up();
    stage.last.attempt.lost();
    expect(line.status).toMatchObject({ state: "reconnecting", phase: "waiting", epoch: 1, attempt: 1 });
    expect(line.link).toBeUndefined();
    await line.close();
    expect(line.status).toMatchObject({
      state: "disconnected",
      reason: { code: "closed", error: undefined },
    });
  });

  test("rule 14: a status that was handed out does not change", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const before = line.status;
    const copy = structuredClone({ ...before });
    stage.last.attempt.lost();
    expect({ ...before }).toEqual(copy);
    await line.close();
  });
});

describe("rule 14: line.changes()", () => {
  const shown = (s: Status): string => ("phase" in s ? `${s.state}/${s.phase}` : s.state);

  test("rule 14: the present status first, each that is seen, disconnected last", async () => {
    const stage = new Stage();
    const line = stage.line();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const status of line.changes()) seen.push(`${shown(status)} ${status.epoch}`);
    })();
    await settle();
    await stage.last.fail(refused());
    await stage.clock.pass(500);
    await stage.last.open();
    stage.last.attempt.lost();
    await settle();
    await line.close();
    await reading;
    expect(seen).toEqual([
      "connecting/dialing 0",
      "connecting/waiting 0",
      "connecting/dialing 0",
      "connected 1",
      "reconnecting/waiting 1",
      "disconnected 1",
    ]);
  });

  test("rule 14: after the end: the last status, then nothing", async () => {
    const line = new Stage().line();
    await line.close();
    const seen: Status[] = [];
    for await (const status of line.changes()) seen.push(status);
    expect(seen).toMatchObject([{ state: "disconnected" }]);
  });

  test("rule 15: a reader that sleeps through a flip sees the higher epoch (B6)", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const reader = line.changes();
    expect((await reader.next()).value).toMatchObject({ state: "connected", epoch: 1 });
    stage.last.attempt.lost();
    await stage.clock.pass(1_000);
    await stage.last.open();
    expect((await reader.next()).value).toMatchObject({ state: "connected", epoch: 2 });
    await line.close();
  });

  test("rule 15: also when the terminal status follows at once (B27)", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const reader = line.changes();
    await reader.next();
    stage.last.attempt.lost();
    await stage.clock.pass(1_000);
    await stage.last.open();
    void line.close();
    expect((await reader.next()).value).toMatchObject({ state: "disconnected", epoch: 2 });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  test("rule 14: each reader has a cursor of its own", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const [fast, slow] = [line.changes(), line.changes()];
    await fast.next();
    stage.last.attempt.lost();
    expect((await fast.next()).value).toMatchObject({ state: "reconnecting" });
    expect((await slow.next()).value).toMatchObject({ state: "reconnecting" });
    const waiting = [fast.next(), slow.next()];
    void line.close();
    for (const result of await Promise.all(waiting)) {
      expect(result.value).toMatchObject({ state: "disconnected" });
    }
  });

  test("rule 14: a slow reader of 100,000 flips holds no queue, and gets the last", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const reader = line.changes();
    await reader.next();
    for (let i = 0; i < 100_000; i++) stage.last.attempt.draining(i % 2 === 0 ? 1 : undefined);
    for (let i = 0; i < 20; i++) {
      stage.last.attempt.lost();
      await stage.clock.pass(10_000);
      await stage.last.open();
    }
    expect((await reader.next()).value).toMatchObject({ state: "connected", epoch: 21 });
    const next = reader.next();
    void line.close();
    expect((await next).value).toMatchObject({ state: "disconnected" });
  });

  test("rule 14: readers that break, return or are aborted leave nothing", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const controller = new AbortController();
    const { signal } = controller;
    for (let i = 0; i < 50; i++) {
      for await (const _ of line.changes({ signal })) break;
      const reader = line.changes({ signal });
      const pending = reader.next().then(() => reader.next());
      await settle();
      await reader.return?.();
      expect(await pending).toEqual({ done: true, value: undefined });
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
    const pending = (async () => {
      for await (const _ of line.changes({ signal }));
      return "ended";
    })();
    await settle();
    controller.abort();
    expect(await pending).toBe("ended");
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await line.close();
  });

  test("rule 14: a signal that was aborted before ends at once", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const seen: Status[] = [];
    for await (const status of line.changes({ signal: AbortSignal.abort() })) seen.push(status);
    expect(seen).toEqual([]);
    await line.close();
  });
});

describe("rule 14: line.ready() and line.closed", () => {
  test("rule 14: ready gives the link, now or later", async () => {
    const stage = new Stage();
    const line = stage.line();
    const early = line.ready();
    await settle();
    await stage.last.open();
    expect(await early).toBe(stage.last.link);
    expect(await line.ready()).toBe(stage.last.link);
    await line.close();
  });

  test("rule 14: ready waits through an outage", async () => {
    const stage = new Stage();
    const line = await stage.up();
    stage.last.attempt.lost();
    const ready = line.ready();
    await stage.clock.pass(1_000);
    await stage.last.open();
    expect(await ready).toBe(stage.calls[1]?.link);
    await line.close();
  });

  test("rule 14: ready rejects with the real last error, or closed", async () => {
    const stage = new Stage();
    const failed = stage.line({ failFast: true });
    const ready = expect(failed.ready()).rejects.toMatchObject({ code: "connection_refused" });
    await settle();
    await stage.last.fail(refused());
    await ready;
    await expect(failed.ready()).rejects.toMatchObject({ code: "connection_refused" });
    const closed = stage.line();
    const never = closed.ready();
    void closed.close();
    await expect(never).rejects.toMatchObject({ code: "closed", kind: "fatal", fault: "local" });
  });

  test("rule 14: ready's signal ends the waiting, not the line, and leaves nothing", async () => {
    const stage = new Stage();
    const line = stage.line();
    const controller = new AbortController();
    const ready = line.ready({ signal: controller.signal });
    await settle();
    controller.abort(new Error("enough"));
    await expect(ready).rejects.toThrow("enough");
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    expect(line.status.state).toBe("connecting");
    await line.close();
  });

  test("rule 14: closed settles once, with the reason, however the line ends", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const first = line.close();
    const reason = await first;
    expect(reason).toMatchObject({ code: "closed", error: undefined, failures: 0 });
    expect(await line.close()).toBe(reason);
    expect(await line.closed).toBe(reason);
    const fatal = stage.line();
    await settle();
    const failure = new HoldfastError({ code: "bad_version", message: "too old", kind: "fatal" });
    await stage.last.fail(failure);
    expect(await fatal.closed).toMatchObject({ code: "failed", error: failure });
  });
});

describe("rule 14: liveness has its own watch", () => {
  test("rule 14: unknown, succeeded, failed, with a count; a black hole is a failure", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const report of line.livenessChanges()) seen.push(report);
    })();
    expect(line.liveness).toEqual({ outcome: "unknown" });
    for (let i = 0; i < 2; i++) {
      await stage.clock.pass(10_000);
      stage.last.attempt.heard();
      await stage.clock.pass(1);
    }
    await stage.clock.pass(15_000);
    await line.close();
    await reading;
    expect(seen).toEqual([
      { outcome: "unknown" },
      { outcome: "succeeded", count: 1 },
      { outcome: "succeeded", count: 2 },
      { outcome: "failed", count: 1 },
    ]);
  });

  test("rule 14: not_configured where there are no heartbeats", async () => {
    const stage = new Stage();
    const line = await stage.up({ heartbeat: false });
    expect(line.liveness).toEqual({ outcome: "not_configured" });
    await stage.clock.pass(10 ** 6);
    expect(stage.last.link.pings).toBe(0);
    await line.close();
  });
});
