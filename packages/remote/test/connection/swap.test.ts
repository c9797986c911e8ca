import type { HoldfastError } from "@holdfast/core";
import { authRequired, type ConnectionStatus } from "@holdfast/remote";
import { describe, expect, it } from "vitest";
import { linkLost, Person, settle, Stage, watched } from "./stage.ts";

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "fulfilled",
    (error: unknown) => (error as HoldfastError).code,
  );
const states = (seen: readonly ConnectionStatus[]): string[] =>
  seen.map(({ state, epoch }) => `${state} ${epoch}`);

describe("reconnect on a healthy connection", () => {
  it("makes the new link before the old one is left: streams end where they began", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const old = await (await connection.machine()).connectTcp("a", 1);
    const { seen } = watched(connection);
    const done = connection.reconnect();
    await stage.pass(3_000);
    expect(stage.calls).toHaveLength(2);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    await stage.last.open();
    await done;
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });

    const fresh = await (await connection.machine()).connectTcp("a", 1);
    expect([stage.calls[0]?.machine.streams.length, stage.last.machine.streams.length]).toEqual([1, 1]);
    expect(old.destroyed).toBe(false);
    old.write("still here");
    await settle();
    expect(String(old.read())).toBe("still here");
    expect(stage.calls[0]?.machine.closes).toBe(0);
    old.end();
    old.resume();
    await settle();
    expect(stage.calls[0]?.machine.closes).toBe(1);
    expect(fresh.destroyed).toBe(false);
    await stage.pass(60_000);
    expect(states(seen)).toEqual(["connected 1", "connected 2"]);
    expect(stage.last.machine.closes).toBe(0);
    await connection.close();
    expect(stage.host.armed).toBe(0);
  });

  it("ends the old link when it is idle, and when its time is over", async () => {
    const stage = new Stage();
    const connection = await stage.up({ limits: { drainMs: 20_000 } });
    void connection.reconnect();
    await settle();
    await stage.last.open();
    expect(stage.calls[0]?.machine.closes).toBe(1);
    const stream = await (await connection.machine()).connectTcp("a", 1);
    await stage.pass(2_000);
    void connection.reconnect();
    await settle();
    await stage.last.open();
    await stage.pass(19_000);
    expect(stream.destroyed).toBe(false);
    await stage.pass(2_000);
    expect(stream.destroyed).toBe(true);
    expect(stage.calls.map(({ machine }) => machine.closes)).toEqual([1, 1, 0]);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 3 });
    await connection.close();
  });

  it("stays on the old link if the new one cannot be made, and says why", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const machine = await connection.machine();
    const { seen } = watched(connection);
    const vain = codeOf(connection.reconnect());
    await settle();
    await stage.last.fail(authRequired("password"));
    expect(await vain).toBe("auth_required");
    await stage.pass(2_000);
    const late = codeOf(connection.reconnect());
    await stage.pass(11_000);
    expect(await late).toBe("timed_out");
    expect(stage.last.aborted).toBe(true);
    expect(await connection.machine()).toBe(machine);
    expect(states(seen)).toEqual(["connected 1"]);
    await connection.close();
  });

  it("is one dial, however many ask; and no storm of them", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const all = [connection.reconnect(), connection.reconnect(), connection.reconnect()];
    await settle();
    await stage.pass(5_000);
    all.push(connection.reconnect());
    await settle();
    expect(stage.calls).toHaveLength(2);
    await stage.last.open();
    await Promise.all(all);
    await stage.pass(2_000);
    void connection.reconnect();
    await settle();
    expect(stage.calls).toHaveLength(3);
    await stage.last.open();
    await connection.reconnect();
    expect(stage.calls).toHaveLength(3);
    await connection.close();
  });

  it("becomes the line's own dial if the old link is lost meanwhile", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const done = connection.reconnect();
    await settle();
    await stage.calls[0]?.lose();
    expect(connection.status.state).toBe("reconnecting");
    await stage.pass(1_000);
    expect(stage.calls).toHaveLength(2);
    expect(connection.status).toMatchObject({ state: "reconnecting", phase: "dialing" });
    await stage.last.open();
    await done;
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    expect(stage.last.machine.closes).toBe(0);
    // Its loss is heard.
    await stage.last.lose();
    expect(connection.status.state).toBe("reconnecting");
    await connection.close();
  });

  it("is taken at once if it is made just after the old link was lost", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const done = connection.reconnect();
    await settle();
    stage.calls[0]?.attempt.lost(linkLost());
    await stage.last.open();
    await stage.pass(100);
    await done;
    expect(stage.calls).toHaveLength(2);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    await connection.close();
  });

  it("works where nothing is reconnected by itself", async () => {
    const stage = new Stage();
    const connection = await stage.up({ reconnect: false });
    const done = connection.reconnect();
    await settle();
    await stage.calls[0]?.lose();
    expect(connection.status).toMatchObject({ state: "disconnected", reason: { code: "no_reconnect" } });
    await stage.last.open();
    await stage.pass(100);
    await done;
    expect(stage.calls).toHaveLength(2);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    await connection.close();
  });

  it("takes no link that was lost as soon as it was made", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const vain = codeOf(connection.reconnect());
    await settle();
    stage.last.attempt.lost(linkLost());
    await stage.last.open();
    expect(await vain).toBe("link_lost");
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    expect(stage.last.machine.closes).toBe(1);
    await connection.close();
  });

  it("hears nothing of the old link any more, and all of the new one", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    await (await connection.machine()).connectTcp("a", 1);
    void connection.reconnect();
    await settle();
    await stage.last.open();
    await stage.calls[0]?.lose();
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    expect(stage.calls[0]?.machine.closes).toBe(1);
    stage.last.machine.onPing = () => Promise.reject(new Error("gone"));
    await stage.pass(8_500);
    expect(connection.status).toMatchObject({ state: "reconnecting", failure: { code: "unhealthy" } });
    await connection.close();
  });

  it("asks the person who wants it, while the old link goes on", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const person = new Person();
    const done = connection.reconnect(person);
    await settle();
    const answered = stage.last.interaction.ask([{ text: "password", echo: false }]);
    await stage.pass(60_000);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    person.answer(["x"]);
    await answered;
    await stage.last.open();
    await done;
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    await connection.close();
    expect(stage.host.armed).toBe(0);
  });

  it("owes nothing for what the old link had sent without an answer", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    await (await connection.machine()).connectTcp("a", 1);
    stage.last.attempt.progress(1_000, 5);
    void connection.reconnect();
    await settle();
    await stage.last.open();
    await stage.pass(300_000);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    await connection.close();
  });

  it("is cancelled by close", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    const vain = codeOf(connection.reconnect());
    await settle();
    await connection.close();
    expect(await vain).toBe("closed");
    expect(stage.last.aborted).toBe(true);
    await stage.last.open();
    expect(stage.last.machine.closes).toBe(1);
    expect(stage.host.armed).toBe(0);
  });
});
