import { livenessTimeoutMs } from "@holdfast/remote";
import { describe, expect, it } from "vitest";
import { CHECK, settle, Stage } from "./stage.ts";

const never = (): Promise<void> => new Promise(() => undefined);

describe("the health of a connection", () => {
  it("is asked for by pings, and heard of by answers", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const before = stage.last.machine.pings;
    await stage.pass(60_000);
    expect(stage.last.machine.pings - before).toBeGreaterThanOrEqual(29);
    expect(connection.status.state).toBe("connected");
    expect(connection.liveness).toMatchObject({ outcome: "succeeded" });
    expect(stage.host.clock.wall() - (connection.status.lastHeard ?? 0)).toBeLessThanOrEqual(2_100);
    await connection.close();
  });

  it("survives failures as long as one in three succeeds", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const { machine } = stage.last;
    machine.onPing = () => (machine.pings % 3 === 0 ? Promise.resolve() : Promise.reject(new Error("busy")));
    await stage.pass(120_000);
    machine.onPing = () => (machine.pings % 3 === 0 ? Promise.resolve() : never());
    await stage.pass(120_000);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    await connection.close();
  });

  it("is lost after three failures in a row, with the reason", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    stage.last.machine.onPing = () => Promise.reject(new Error("no such container"));
    await stage.pass(8_100);
    expect(connection.status).toMatchObject({ state: "reconnecting", failure: { code: "unhealthy" } });
    expect(connection.status.failure?.message).toContain("no such container");
    expect(stage.calls[0]?.machine.closes).toBe(1);
    await connection.close();
  });

  it("is never shown as connected with evidence older than the liveness timeout", async () => {
    const limitMs = livenessTimeoutMs(CHECK);
    expect(limitMs).toBe(21_000);
    for (const hang of [never, () => Promise.reject(new Error("x"))]) {
      const stage = new Stage();
      const connection = await stage.up();
      const check = (): void => {
        const { state, lastHeard = -Infinity } = connection.status;
        if (state !== "connected") return;
        expect(stage.host.clock.wall() - lastHeard).toBeLessThanOrEqual(limitMs + 2);
      };
      stage.last.machine.onPing = hang;
      const lostAt = stage.world.now;
      await stage.pass(limitMs + 5, check);
      expect(connection.status.state).toBe("reconnecting");
      expect(stage.world.now - lostAt).toBeLessThanOrEqual(limitMs * 1.1);
      await connection.close();
    }
  });

  it("counts any byte as life", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    stage.last.machine.onPing = () => Promise.reject(new Error("busy"));
    for (let piece = 0; piece < 40; piece++) {
      await stage.pass(3_000);
      stage.last.attempt.heard();
    }
    expect(stage.last.machine.pings).toBeGreaterThan(40);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    await connection.close();
  });

  it("blames nobody for the time in which this process did not run", async () => {
    const stage = new Stage();
    const connection = await stage.up({ health: { ...CHECK, failures: 1 } });
    const { machine } = stage.last;
    let answer: () => void = () => undefined;
    machine.onPing = () => new Promise((resolve) => (answer = resolve));
    const before = machine.pings;
    while (machine.pings === before) await stage.pass(100);
    stage.host.stall(60_000);
    stage.host.deliver(() => answer());
    machine.onPing = () => Promise.resolve();
    await stage.pass(62_000);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    await connection.close();
  });

  it("counts nothing if it is told not to, and still ends silence", async () => {
    const stage = new Stage();
    const connection = await stage.up({ health: { ...CHECK, failures: 0 } });
    stage.last.machine.onPing = () => Promise.reject(new Error("busy"));
    await stage.pass(15_000);
    expect(connection.status.state).toBe("connected");
    await stage.pass(7_000);
    expect(connection.status).toMatchObject({ state: "reconnecting", failure: { code: "no_life" } });
    await connection.close();
  });
});

describe("who wants the machine", () => {
  it("gets the present one, or waits for the next, and not for ever", async () => {
    const stage = new Stage();
    const connection = await stage.open();
    const first = connection.machine();
    const impatient = connection.machine({ waitMs: 1_000 }).catch((error: unknown) => error);
    await stage.pass(1_500);
    expect(await impatient).toMatchObject({ code: "not_connected", kind: "transient" });
    await stage.last.open();
    const machine = await first;
    expect(await connection.machine()).toBe(machine);
    const next = connection.machine({ after: machine });
    await stage.last.lose();
    await (await stage.redialled()).open();
    expect(await next).not.toBe(machine);
    await connection.close();
    expect(stage.host.armed).toBe(0);
  });

  it("is let go by its signal, refused if too many wait, and told of the end", async () => {
    const stage = new Stage();
    const connection = await stage.open({ limits: { maxWaiting: 2 } });
    const stop = new AbortController();
    const stopped = connection.machine({ signal: stop.signal }).catch((error: unknown) => error);
    const waits = connection.machine().catch((error: unknown) => error);
    await expect(connection.machine()).rejects.toMatchObject({ code: "too_many" });
    stop.abort(new Error("enough"));
    expect(await stopped).toMatchObject({ message: "enough" });
    await connection.close();
    expect(await waits).toMatchObject({ code: "closed" });
    expect(stage.host.armed).toBe(0);
  });

  it("is told at once if there will be no link", async () => {
    const stage = new Stage();
    const connection = await stage.open({ policy: {} });
    const waits = connection.machine().catch((error: unknown) => error);
    await stage.last.fail(new Error("no"));
    await settle();
    expect(await waits).toMatchObject({ code: "not_connected" });
    await connection.close();
  });
});
