// DESIGN section 5, rules 8, 16 and 18: what applications are asked, and that they may do anything when asked.
import type { HoldfastError } from "@holdfast/core";
import type { Attempt, Line, RetryPlan } from "@holdfast/net";
import { describe, expect, test } from "vitest";
import { type FakeLink, Stage, refused, settle, unhandledIn } from "./stage.ts";

describe("rule 8: failFast", () => {
  test("rule 8: the first dial's failure ends the line by default", async () => {
    const stage = new Stage();
    const { connect } = await import("@holdfast/net");
    const line = connect({ dial: stage.dial, clock: stage.clock });
    await settle();
    await stage.last.fail(refused());
    expect(await line.closed).toMatchObject({ code: "failed", error: { code: "connection_refused" } });
    expect(stage.clock.armed).toBe(0);
  });

  test("rule 8: false retries it; a predicate decides", async () => {
    const stage = new Stage();
    const seen: string[] = [];
    const line = stage.line({ failFast: ({ code }) => (seen.push(code), code !== "connection_refused") });
    await settle();
    await stage.last.fail(refused());
    expect(line.status).toMatchObject({ phase: "waiting" });
    expect(seen).toEqual(["connection_refused"]);
    await line.close();
  });

  test("rule 8: a predicate that throws is a warning, and fails fast", async () => {
    const stage = new Stage();
    const warnings: HoldfastError[] = [];
    const line = stage.line({
      failFast: () => {
        throw new Error("oops");
      },
      onWarning: (warning) => warnings.push(warning),
    });
    await settle();
    await stage.last.fail(refused());
    expect((await line.closed).code).toBe("failed");
    expect(warnings).toMatchObject([{ code: "hook_failed" }]);
  });
});

describe("rule 18: retrying", () => {
  const waiting = async (retrying: (plan: RetryPlan) => number | false | void) => {
    const stage = new Stage();
    const warnings: HoldfastError[] = [];
    const line = stage.line({ retrying, onWarning: (warning) => warnings.push(warning) });
    await settle();
    await stage.clock.pass(500);
    await stage.last.fail(refused());
    return { stage, line, warnings };
  };

  test("rule 18: sees the plan", async () => {
    const plans: RetryPlan[] = [];
    const { line } = await waiting((plan) => void plans.push(plan));
    expect(plans).toMatchObject([
      { attempt: 2, failures: 1, delayMs: 500, failure: { code: "connection_refused" } },
    ]);
    await line.close();
  });

  test("rule 18: may change the delay", async () => {
    const { stage, line } = await waiting(() => 42_000);
    expect(line.status).toMatchObject({ phase: "waiting", delayMs: 42_000 });
    await stage.clock.pass(41_999);
    expect(stage.calls).toHaveLength(1);
    await stage.clock.pass(1);
    expect(stage.calls).toHaveLength(2);
    await line.close();
  });

  test("rule 18: may say 0, and gets the floor", async () => {
    const { stage, line } = await waiting(() => 0);
    await stage.clock.pass(0);
    expect(stage.calls, "the dial before began more than 100 ms ago").toHaveLength(2);
    await stage.last.fail(refused());
    expect(line.status).toMatchObject({ delayMs: 100 });
    await line.close();
  });

  test("rule 18: may veto", async () => {
    const { line } = await waiting(() => false);
    expect(await line.closed).toMatchObject({ code: "vetoed", error: { code: "connection_refused" } });
  });

  test.each([NaN, -1, -Infinity])("rule 18: %d is no answer", async (answer) => {
    const { line } = await waiting(() => answer);
    expect(line.status).toMatchObject({ phase: "waiting", delayMs: 500 });
    await line.close();
  });

  test("rule 18: one that throws is a warning, and agrees", async () => {
    const { line, warnings } = await waiting(() => {
      throw new Error("oops");
    });
    expect(line.status).toMatchObject({ phase: "waiting", delayMs: 500 });
    expect(warnings).toMatchObject([{ code: "hook_failed", cause: { message: "oops" } }]);
    await line.close();
  });

  test("rule 18: a warning's listener that throws harms nobody", async () => {
    const stage = new Stage();
    const bomb = (): never => {
      throw new Error("oops");
    };
    const line = stage.line({ retrying: bomb, onWarning: bomb });
    await settle();
    await stage.last.fail(refused());
    expect(line.status).toMatchObject({ phase: "waiting" });
    await line.close();
  });
});

describe("rule 16: close() from within anything", () => {
  type Setup = (close: () => void) => Parameters<Stage["line"]>[0];
  const cases: readonly (readonly [string, Setup])[] = [
    ["retrying", (close) => ({ retrying: () => (close(), 5_000) })],
    ["retrying, with a veto", (close) => ({ retrying: () => (close(), false) })],
    ["failFast", (close) => ({ failFast: () => (close(), false) })],
    ["onWarning", (close) => ({ retrying: () => expect.fail("x"), onWarning: close })],
  ];

  test.each(cases)("rule 16: %s", async (_name, setup) => {
    const stage = new Stage();
    const line: Line<FakeLink> = stage.line(setup(() => void line.close()));
    await settle();
    await stage.last.fail(refused());
    expect((await line.closed).code).toBe("closed");
    await stage.clock.pass(10 ** 6);
    expect(stage.calls).toHaveLength(1);
    expect(stage.clock.armed).toBe(0);
  });

  test("rule 16: dial", async () => {
    const stage = new Stage();
    const line: Line<FakeLink> = stage.line({ dial: (attempt) => (void line.close(), stage.dial(attempt)) });
    await settle();
    await stage.last.open();
    expect((await line.closed).code).toBe("closed");
    expect(stage.openLinks).toBe(0);
  });

  test("rule 16: credentials", async () => {
    const stage = new Stage();
    let asked = 0;
    const line: Line<FakeLink> = stage.line<string>({
      credentials: () => ((asked += 1) > 1 && void line.close(), "x"),
    });
    await settle();
    await stage.last.fail(refused());
    await stage.clock.pass(10_000);
    expect((await line.closed).code).toBe("closed");
    expect(asked).toBe(2);
    expect(stage.calls).toHaveLength(1);
  });

  test("rule 16: ping, and the link's own close", async () => {
    const stage = new Stage();
    const line = await stage.up();
    stage.last.link.onPing = () => void line.close();
    stage.last.link.onClose = () => void line.close();
    await stage.clock.pass(10_000);
    expect((await line.closed).code).toBe("closed");
    expect(stage.last.link).toMatchObject({ pings: 1, closes: 1 });
  });

  test("rule 16: a reader, and a source of wakes when it is stopped", async () => {
    const stage = new Stage();
    const line: Line<FakeLink> = await stage.up({ wakes: [() => () => void line.close()] });
    for await (const status of line.changes()) if (status.state === "connected") void line.close();
    expect((await line.closed).code).toBe("closed");
    expect(stage.last.link.closes).toBe(1);
  });

  test("rule 16: wake() from within a hook is heard after the step, and dials once", async () => {
    const stage = new Stage();
    const line: Line<FakeLink> = stage.line({ retrying: () => line.wake() });
    await stage.clock.pass(500);
    await stage.last.fail(refused());
    await settle();
    expect(stage.calls).toHaveLength(2);
    await line.close();
  });
});

describe("wake sources", () => {
  test("rule 6: are listened to until the end", async () => {
    const stage = new Stage();
    let wake: (reason: "network", addresses?: readonly string[]) => void = () => undefined;
    let stopped = 0;
    const line = await stage.up({ wakes: [(to) => ((wake = to), () => void (stopped += 1))] });
    wake("network");
    expect(stage.last.link.pings).toBe(1);
    await line.close();
    expect(stopped).toBe(1);
    wake("network");
  });

  test("rule 6: a link whose local address is gone is hung up; one whose address stays is probed", async () => {
    const stage = new Stage();
    let wake: (reason: "network", addresses?: readonly string[]) => void = () => undefined;
    const line = stage.line({ wakes: [(to) => ((wake = to), () => undefined)] });
    await settle();
    stage.last.link.localAddress = "192.0.2.7";
    await stage.last.open();
    wake("network", ["192.0.2.7", "127.0.0.1"]);
    expect(line.status.state).toBe("connected");
    expect(stage.last.link.pings).toBe(1);
    wake("network", ["192.0.2.99"]);
    expect(line.status).toMatchObject({ state: "reconnecting", failure: { code: "address_gone" } });
    expect(stage.last.link.closes).toBe(1);
    await line.close();
  });

  test("rule 16: one that throws, when it starts or when it stops, harms nobody", async () => {
    const stage = new Stage();
    const warnings: string[] = [];
    const bomb = (): never => {
      throw new Error("oops");
    };
    let stopped = 0;
    const line = await stage.up({
      wakes: [bomb, () => bomb, () => () => void (stopped += 1)],
      onWarning: ({ code }) => warnings.push(code),
    });
    expect(line.status.state).toBe("connected");
    expect((await line.close()).code).toBe("closed");
    expect(stopped).toBe(1);
    expect(warnings).toEqual(["wake_source_failed", "wake_source_failed"]);
  });
});

describe("rule 20: a tight timeout", () => {
  test("rule 20: is accepted with a warning", async () => {
    const stage = new Stage();
    const warnings: HoldfastError[] = [];
    const line = await stage.up({
      heartbeat: { intervalMs: 10_000, timeoutMs: 6_000 },
      onWarning: (warning) => warnings.push(warning),
    });
    expect(warnings).toMatchObject([{ code: "tight_timeout", fault: "local" }]);
    expect(warnings[0]?.message).toMatch(/6000 ms .*10000 ms/);
    for (let i = 0; i < 20; i++) {
      await stage.clock.pass(2_000);
      stage.last.attempt.heard();
    }
    expect(stage.last.link.pings).toBe(20);
    expect(line.status.epoch).toBe(1);
    await line.close();
  });

  test("rule 20: the default pair warns of nothing", async () => {
    const warnings: HoldfastError[] = [];
    const line = await new Stage().up({ onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toEqual([]);
    await line.close();
  });
});

describe("what a dial is told", () => {
  test("attempt, epoch and suspect", async () => {
    const stage = new Stage();
    const { HoldfastError: Failure } = await import("@holdfast/core");
    const line = await stage.up();
    const told = ({ attempt, epoch, suspect }: Attempt) => ({ attempt, epoch, suspect });
    expect(told(stage.last.attempt)).toEqual({ attempt: 1, epoch: 1, suspect: false });
    stage.last.attempt.lost();
    await stage.clock.pass(1_000);
    const stranger = { code: "not_our_peer", message: "a portal", kind: "fatal", fault: "peer" } as const;
    await stage.last.fail(new Failure(stranger));
    expect(line.status).toMatchObject({ state: "reconnecting", failure: { code: "not_our_peer" } });
    await stage.clock.pass(10_000);
    expect(told(stage.last.attempt)).toEqual({ attempt: 2, epoch: 2, suspect: true });
    await stage.last.fail(refused());
    await stage.clock.pass(10_000);
    expect(told(stage.last.attempt)).toEqual({ attempt: 3, epoch: 2, suspect: true });
    await stage.last.open();
    stage.last.attempt.lost();
    await stage.clock.pass(10_000);
    expect(told(stage.last.attempt)).toEqual({ attempt: 1, epoch: 3, suspect: false });
    await line.close();
  });

  test("no promise is left rejected by any of this", async () => {
    const stage = new Stage();
    const unhandled = await unhandledIn(async () => {
      const line = stage.line();
      await settle();
      await stage.last.fail(undefined);
      await stage.clock.pass(1_000);
      await stage.last.open();
      stage.last.attempt.lost(null);
      await stage.clock.pass(10_000);
      await line.close();
      await stage.last.fail(new Error("after the end"));
    });
    expect(unhandled).toEqual([]);
  });
});
