// DESIGN section 5, rules 16 and 17: the end is at once, comes once, and nothing is left of the line after it.
import { getEventListeners } from "node:events";
import { HoldfastError } from "@holdfast/core";
import { connect, type ConnectOptions, type Link } from "@holdfast/net";
import { describe, expect, test } from "vitest";
import { Stage, refused, settle, unhandledIn } from "./stage.ts";

describe("rule 17: close() and abort, in every state", () => {
  test("rule 17: while waiting: no timer, no dial (P5, P8)", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    await stage.last.fail(refused());
    expect(stage.clock.armed).toBe(1);
    void line.close();
    expect(stage.clock.armed, "at once, in the same turn").toBe(0);
    expect(line.status.state).toBe("disconnected");
    await stage.clock.pass(10 ** 6);
    expect(stage.calls).toHaveLength(1);
  });

  test("rule 17: while dialing: the dial is aborted, and a link that comes all the same is closed", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    void line.close();
    expect(stage.last.attempt.signal.aborted).toBe(true);
    await stage.last.open();
    expect(stage.last.link.closes).toBe(1);
    expect(line.link).toBeUndefined();
    expect(stage.clock.armed).toBe(0);
  });

  test("rule 17: while connected: the link is closed once", async () => {
    const stage = new Stage();
    const line = await stage.up();
    void line.close();
    void line.close();
    stage.last.attempt.lost();
    expect(stage.last.link.closes).toBe(1);
    expect(stage.last.link.reason).toMatchObject({ code: "closed" });
    expect(stage.last.attempt.signal.aborted, "the signal follows the link").toBe(true);
    expect(stage.clock.armed).toBe(0);
  });

  test("rule 17: in auth_required", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    await stage.last.fail(
      new HoldfastError({ code: "otp", message: "code?", kind: "unauthorized", prompt: "one-time code" }),
    );
    expect(line.status).toMatchObject({ state: "auth_required", prompt: "one-time code" });
    await line.close();
    line.answer();
    line.wake();
    await stage.clock.pass(10 ** 6);
    expect(stage.calls).toHaveLength(1);
  });

  test("rule 17: the signal does the same as close()", async () => {
    const stage = new Stage();
    const controller = new AbortController();
    const line = await stage.up({ signal: controller.signal });
    controller.abort();
    expect(line.status).toMatchObject({ state: "disconnected", reason: { code: "closed" } });
    expect(stage.last.link.closes).toBe(1);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  test("rule 17: a signal that was aborted before: no dial at all", async () => {
    const stage = new Stage();
    const line = stage.line({ signal: AbortSignal.abort(), wakes: [() => expect.fail("nobody listens")] });
    expect(await line.closed).toMatchObject({ code: "closed" });
    expect(stage.calls).toEqual([]);
  });

  test("rule 17: exactly one terminal notice, whatever comes together (B10)", async () => {
    const stage = new Stage();
    const controller = new AbortController();
    const line = await stage.up({ signal: controller.signal, maxAttempts: 1 });
    let notices = 0;
    const reading = (async () => {
      for await (const { state } of line.changes()) if (state === "disconnected") notices += 1;
    })();
    await settle();
    stage.last.attempt.lost();
    void line.close();
    controller.abort();
    line.wake();
    await reading;
    await stage.clock.pass(10 ** 6);
    expect(notices).toBe(1);
    expect((await line.closed).code).toBe("gave_up");
  });

  test("rule 17: nothing moves after the end", async () => {
    const stage = new Stage();
    const line = await stage.up();
    await line.close();
    const { attempt } = stage.last;
    attempt.heard();
    attempt.draining(5);
    attempt.progress(1, 1);
    attempt.lost();
    line.wake();
    line.answer();
    await stage.clock.pass(10 ** 6);
    expect(stage.calls).toHaveLength(1);
    expect(stage.clock.armed).toBe(0);
    expect(line.status.draining).toBe(false);
  });

  test("rule 17: await using closes", async () => {
    const stage = new Stage();
    let line;
    {
      await using inner = await stage.up();
      line = inner;
      expect(line.status.state).toBe("connected");
    }
    expect(line.status.state).toBe("disconnected");
    expect(stage.last.link.closes).toBe(1);
  });

  test("rule 17: await using closes when the block throws, too", async () => {
    const stage = new Stage();
    const run = async (): Promise<void> => {
      await using line = await stage.up();
      expect(line.status.state).toBe("connected");
      throw new Error("the block");
    };
    await expect(run()).rejects.toThrow("the block");
    expect(stage.last.link.closes).toBe(1);
  });
});

describe("E1: a user's wish acts in the same turn", () => {
  test("P1, P2: reconnect during a wait dials at once, and the wait is over", async () => {
    const stage = new Stage();
    const line = stage.line();
    await stage.clock.pass(3_000);
    for (let i = 0; i < 6; i++) {
      await stage.last.fail(refused());
      await stage.clock.pass(10_000);
    }
    await stage.last.fail(refused());
    await stage.clock.pass(200);
    const before = stage.calls.length;
    line.wake();
    expect(stage.clock.armed, "the dial's deadline").toBe(1);
    await settle();
    expect(stage.calls).toHaveLength(before + 1);
    expect(stage.last.at).toBe(stage.clock.now);
    await line.close();
  });
});

describe("rule 16: callbacks of an old epoch", () => {
  test("rule 16: cannot touch the new one (E10)", async () => {
    const stage = new Stage();
    const line = await stage.stable();
    const old = stage.last;
    old.attempt.lost();
    await stage.clock.pass(1_000);
    await stage.last.open();
    await stage.clock.pass(5_000);
    const before = line.status;
    old.attempt.heard();
    old.attempt.draining(9_000);
    old.attempt.progress(10, 0);
    old.attempt.lost(new Error("late close after a new open"));
    expect(line.status).toEqual(before);
    expect(line.link).toBe(stage.last.link);
    expect(line.link).not.toBe(old.link);
    await line.close();
  });

  test("rule 16: a dial that was given up cannot deliver into the next", async () => {
    const stage = new Stage();
    const line = stage.line({ dialTimeoutMs: 1_000 });
    await settle();
    await stage.clock.pass(2_000);
    const [first, second] = stage.calls;
    expect(stage.calls).toHaveLength(2);
    await first?.open();
    expect(line.status.state).toBe("connecting");
    expect(first?.link.closes).toBe(1);
    await second?.open();
    expect(line.link).toBe(second?.link);
    first?.attempt.lost();
    expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
    await line.close();
  });

  test("rule 16: readers run outside the step, and one that throws harms nobody", async () => {
    const stage = new Stage();
    const unhandled = await unhandledIn(async () => {
      const line = await stage.up();
      const reading = (async () => {
        for await (const { state } of line.changes()) if (state === "reconnecting") throw new Error("mine");
      })();
      const other = (async () => {
        for await (const status of line.changes()) if (status.epoch === 2) return "saw it";
        return "missed it";
      })();
      await settle();
      stage.last.attempt.lost();
      await expect(reading).rejects.toThrow("mine");
      await stage.clock.pass(1_000);
      await stage.last.open();
      expect(await other).toBe("saw it");
      await line.close();
    });
    expect(unhandled).toEqual([]);
  });
});

test("rule 10: without a dial function there is no line, and the error says so", () => {
  for (const options of [undefined, {}, { dial: "tcp" }]) {
    expect(() => connect(options as unknown as ConnectOptions<Link>)).toThrow("needs a `dial` function");
  }
});

test("rule 17: a source of wakes that ends the line while it starts is stopped", async () => {
  const stage = new Stage();
  const abort = new AbortController();
  let stopped = 0;
  const line = stage.line({
    signal: abort.signal,
    wakes: [
      () => {
        abort.abort();
        return () => (stopped += 1);
      },
    ],
  });
  expect((await line.closed).code).toBe("closed");
  expect(stopped).toBe(1);
});
