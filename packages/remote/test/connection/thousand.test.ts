import type { Connection } from "@holdfast/remote";
import { describe, expect, it } from "vitest";
import { Stage } from "./stage.ts";

const MANY = 1_000;

describe("a thousand connections", () => {
  it("cost one timer each, and come back at the same time after an outage of all", async () => {
    const stage = new Stage(5);
    let reachable = true;
    stage.onDial = (call) => {
      stage.world.after(50, () => {
        if (reachable) void call.open();
        else void call.fail(new Error("unreachable"));
      });
    };
    const connections: Connection[] = [];
    for (let index = 0; index < MANY; index++) connections.push(await stage.open({ id: String(index) }));
    const all = (state: string): number => connections.filter(({ status }) => status.state === state).length;
    await stage.pass(15_000);
    expect(all("connected")).toBe(MANY);
    expect(stage.host.armed).toBe(MANY);

    reachable = false;
    for (const call of stage.calls.splice(0)) call.attempt.lost(new Error("cut"));
    await stage.pass(30_000);
    expect(all("reconnecting")).toBe(MANY);
    expect(stage.host.armed).toBe(MANY);
    // Never two dials at a time for one, and never more than ten in ten seconds.
    expect(stage.calls.length).toBeLessThanOrEqual(MANY * 30);
    expect(stage.calls.length).toBeGreaterThanOrEqual(MANY * 3);

    reachable = true;
    await stage.pass(11_000);
    expect(all("connected")).toBe(MANY);
    expect(connections.every(({ status }) => status.epoch === 2)).toBe(true);
    await Promise.all(connections.map((connection) => connection.close()));
    expect(stage.host.armed).toBe(0);
    expect(stage.disposals).toBe(MANY);
  }, 120_000);
});
