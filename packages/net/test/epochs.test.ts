// DESIGN section 5, rule 15: the callback preset: epochs, then one terminal code.
import { HoldfastError, type Status } from "@holdfast/core";
import { watchEpochs, type Line } from "@holdfast/net";
import { describe, expect, test } from "vitest";
import { Stage, refused, settle, unhandledIn } from "./driver/stage.ts";

const watch = (line: Pick<Line, "changes" | "close">): number[] => {
  const codes: number[] = [];
  watchEpochs(line, (code) => codes.push(code));
  return codes;
};

describe("rule 15: watchEpochs", () => {
  test("rule 15: 1 for the first link, 2 and more after, 0 for a clean end", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const codes = watch(line);
    await settle();
    for (let i = 0; i < 2; i++) {
      stage.last.attempt.lost();
      await settle();
      await stage.redialled();
      await stage.last.open();
    }
    await line.close();
    await settle();
    expect(codes).toEqual([1, 2, 3, 0]);
  });

  test("rule 15: transient losses and failed dials are not reported", async () => {
    const stage = new Stage();
    const line = stage.line();
    const codes = watch(line);
    await settle();
    for (let i = 0; i < 5; i++) {
      await stage.last.fail(refused());
      await stage.redialled();
    }
    expect(codes).toEqual([]);
    await line.close();
    await settle();
    expect(codes).toEqual([0]);
  });

  test.each([
    ["gave up", { maxAttempts: 1 }],
    ["failed", { failFast: true }],
    ["not reconnecting", { reconnect: false }],
    ["vetoed", { retrying: () => false as const }],
  ])("rule 15: below 0 for an end that nobody asked for: %s", async (_name, options) => {
    const stage = new Stage();
    const codes = watch(stage.line(options));
    await settle();
    await stage.last.fail(refused());
    await stage.clock.pass(10 ** 6);
    expect(codes).toEqual([-1]);
  });

  test("rule 15: a pending epoch comes before the terminal code, also when both come at once", async () => {
    const stage = new Stage();
    const line = stage.line();
    const codes = watch(line);
    await settle();
    void stage.last.open();
    for (let i = 0; i < 50 && line.status.state !== "connected"; i++) await Promise.resolve();
    expect(line.status.state).toBe("connected");
    void line.close();
    await settle();
    expect(codes).toEqual([1, 0]);
  });

  test("rule 15: never inside the engine's step", async () => {
    const stage = new Stage();
    const line = await stage.up();
    let inStep = false;
    const within: boolean[] = [];
    watchEpochs(line, () => within.push(inStep));
    inStep = true;
    stage.last.attempt.lost();
    void line.close();
    inStep = false;
    await settle();
    expect(within).toEqual([false, false]);
  });

  test("rule 15: may call any API, close() included: one terminal code, nothing after it", async () => {
    const stage = new Stage();
    const line = await stage.up();
    const codes: number[] = [];
    watchEpochs(line, (code) => {
      codes.push(code);
      line.wake();
      void line.close();
      expect(line.status.state).toBe("disconnected");
    });
    await settle();
    await stage.clock.pass(10 ** 6);
    expect(codes).toEqual([1, 0]);
  });

  test("rule 15: overflow is an error, and ends the line: never a smaller number", async () => {
    let closes = 0;
    const statuses = [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1].map((epoch) => ({ state: "connected", epoch }));
    const line = {
      async *changes() {
        for (const status of statuses) yield await Promise.resolve(status as Status);
      },
      close: () => {
        closes += 1;
        return Promise.resolve({ code: "closed", error: undefined, failures: 0 } as const);
      },
    };
    const codes = watch(line);
    await settle();
    expect(codes).toEqual([2 ** 31 - 1, -2]);
    expect(closes).toBe(1);
  });

  test("rule 16: a callback that throws is reported and harms nobody, nor does a report that throws", async () => {
    const stage = new Stage();
    const errors: HoldfastError[] = [];
    const bomb = (): never => {
      throw new Error("mine");
    };
    const unhandled = await unhandledIn(async () => {
      const line = await stage.up();
      watchEpochs(line, bomb, (error) => errors.push(error));
      watchEpochs(line, bomb, bomb);
      watchEpochs(line, bomb);
      await settle();
      await line.close();
    });
    expect(unhandled).toEqual([]);
    expect(errors.map(({ text }) => text)).toEqual(["mine", "mine"]);
    expect(errors[0]).toBeInstanceOf(HoldfastError);
  });
});
