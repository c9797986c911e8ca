// DESIGN section 5, rule 11: credentials are asked for at every dial, and the end comes when asking is pointless.
import { HoldfastError } from "@holdfast/core";
import type { Credentials } from "@holdfast/net";
import { describe, expect, test } from "vitest";
import { Stage, refused, settle, unhandledIn } from "./stage.ts";

const denied = (): HoldfastError =>
  new HoldfastError({ code: "bad_token", message: "expired", kind: "unauthorized", fault: "peer" });

/** A provider that gives `values` one after the other, and remembers what it was told. */
function provider(...values: unknown[]) {
  const told: (string | undefined)[] = [];
  const credentials: Credentials<unknown> = ({ refused: refusal }) => {
    told.push(refusal?.code);
    const value = values[Math.min(told.length, values.length) - 1];
    if (value instanceof Error) throw value;
    return value;
  };
  return { told, credentials };
}

/** Fail the present dial, and wait for the next one. */
async function failed(stage: Stage, error: unknown): Promise<void> {
  await stage.last.fail(error);
  await stage.redialled();
}

describe("rule 11: asking", () => {
  test("rule 11: at every dial, with what was refused, and the dial gets what came", async () => {
    const { told, credentials } = provider("a", "b", "c", "d");
    const stage = new Stage();
    const line = stage.line<unknown>({ credentials });
    await settle();
    expect(stage.last.attempt.credential).toBe("a");
    await failed(stage, refused());
    await failed(stage, denied());
    expect(stage.last.attempt.credential).toBe("c");
    expect(told).toEqual([undefined, undefined, "bad_token"]);
    await line.close();
  });

  test("rule 11: no provider, no credential", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    expect(stage.last.attempt.credential).toBeUndefined();
    await line.close();
  });

  test("rule 11: a provider may be slow; closing meanwhile aborts it and dials nobody", async () => {
    let signal: { readonly aborted: boolean } | undefined;
    const stage = new Stage();
    const line = stage.line<string>({
      credentials: (request) => {
        signal = request.signal;
        return new Promise<string>(() => undefined);
      },
    });
    await settle();
    await line.close();
    expect(signal?.aborted).toBe(true);
    expect(stage.calls).toEqual([]);
  });

  test("rule 11: a provider that never answers is cut by the dial's deadline", async () => {
    const stage = new Stage();
    const line = stage.line<string>({ credentials: () => new Promise<string>(() => undefined) });
    await stage.clock.pass(10_000);
    expect(line.status).toMatchObject({ phase: "waiting", failure: { code: "timed_out" } });
    await line.close();
  });
});

describe("rule 11: refused", () => {
  test("rule 11: fatal when what was fetched because of the refusal is refused", async () => {
    const { told, credentials } = provider("a", "b", "c");
    const stage = new Stage();
    const line = stage.line<unknown>({ credentials });
    await settle();
    await failed(stage, denied());
    await stage.last.fail(denied());
    expect(await line.closed).toMatchObject({ code: "failed", error: { code: "bad_token" } });
    expect(told, "refuse-all ends after one refresh").toEqual([undefined, "bad_token"]);
  });

  test("rule 11: fatal when the provider is static, on a dial or a link", async () => {
    const stage = new Stage();
    const dialing = stage.line<string>({ credentials: { static: "s3cret" } });
    await settle();
    expect(stage.last.attempt.credential).toBe("s3cret");
    await stage.last.fail(denied());
    const reason = await dialing.closed;
    expect(reason).toMatchObject({
      code: "failed",
      error: { code: "bad_token", kind: "fatal", fault: "peer" },
    });
    expect(JSON.stringify(reason), "no secret in the error").not.toContain("s3cret");
    const linked = await stage.stable<string>({ credentials: { static: "s" } });
    stage.last.attempt.lost(denied());
    expect(await linked.closed).toMatchObject({ code: "failed" });
  });

  test("rule 11: fatal where there is no provider", async () => {
    const stage = new Stage();
    const line = stage.line();
    await settle();
    await stage.last.fail(denied());
    expect(await line.closed).toMatchObject({ code: "failed", error: { kind: "fatal" } });
  });

  test("rule 11: fatal when the provider returns the same value", async () => {
    const { credentials } = provider("same");
    const stage = new Stage();
    const line = stage.line<unknown>({ credentials });
    await settle();
    await stage.last.fail(denied());
    await stage.clock.pass(500);
    expect(stage.calls, "the peer is not asked again").toHaveLength(1);
    expect(await line.closed).toMatchObject({
      code: "failed",
      error: { code: "bad_token", text: expect.stringContaining("returned the same again") },
    });
  });

  test("rule 11: the same value is the one that was refused, not one that nobody saw yet", async () => {
    const { credentials } = provider("old", "fresh", "fresh");
    const stage = new Stage();
    const line = stage.line<unknown>({ credentials });
    await settle();
    await stage.last.fail(denied());
    await stage.clock.pass(500);
    expect(stage.last.attempt.credential).toBe("fresh");
    await stage.clock.pass(500);
    line.wake("network");
    await stage.clock.pass(500);
    expect(stage.calls, "the wake restarted the dial").toHaveLength(3);
    expect(stage.last.attempt.credential).toBe("fresh");
    await stage.last.open();
    expect(line.status.state).toBe("connected");
    await line.close();
  });

  test("rule 11: a healthy line whose token expires twice in a long outage survives (E5)", async () => {
    let issued = 0;
    const stage = new Stage();
    const line = await stage.stable<number>({ credentials: ({ refused: r }) => (r ? ++issued : issued) });
    stage.last.attempt.lost();
    await stage.clock.pass(1_000);
    await failed(stage, denied());
    await failed(stage, refused());
    await failed(stage, denied());
    await stage.last.open();
    expect(line.status).toMatchObject({ state: "connected", epoch: 2 });
    expect(issued).toBe(2);
    await line.close();
  });

  test("rule 12: with a prompt it is a person's, even if the credential is static", async () => {
    const stage = new Stage();
    const line = stage.line<string>({ credentials: { static: "s" } });
    await settle();
    await stage.last.fail(
      new HoldfastError({ code: "otp", message: "code?", kind: "unauthorized", prompt: "one-time code" }),
    );
    expect(line.status).toMatchObject({ state: "auth_required", prompt: "one-time code" });
    line.answer();
    await settle();
    await stage.clock.pass(100);
    await stage.last.open();
    expect(line.status.state).toBe("connected");
    await line.close();
  });
});

/** A generator throws what it is given, whatever that is. */
function throwAnything(thrown: unknown): void {
  const generator = (function* () {
    yield;
  })();
  generator.throw(thrown);
}

describe("rule 11: a provider that fails", () => {
  const revoked = (() => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  })();

  test.each([
    ["an error", new Error("endpoint down")],
    ["a TypeError", new TypeError("x is not a function")],
    ["nothing", undefined],
    ["a revoked proxy", revoked],
  ])("rule 11: that throws %s is transient, and the line goes on (P3, P7, B14)", async (_name, thrown) => {
    let calls = 0;
    const stage = new Stage();
    const unhandled = await unhandledIn(async () => {
      const line = stage.line<string>({
        credentials: () => {
          calls += 1;
          if (calls < 3) throwAnything(thrown);
          return "good";
        },
      });
      await stage.clock.pass(200);
      expect(line.status).toMatchObject({
        phase: "waiting",
        failure: { code: "credentials_unavailable", kind: "transient", fault: "local" },
      });
      await stage.clock.pass(3_000);
      await stage.last.open();
      expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
      await line.close();
    });
    expect(unhandled).toEqual([]);
    expect(calls).toBe(3);
  });

  test("rule 11: that rejects is transient", async () => {
    const stage = new Stage();
    const unhandled = await unhandledIn(async () => {
      const line = stage.line<string>({ credentials: () => Promise.reject(new Error("no")) });
      await stage.clock.pass(100_000);
      expect(line.status.failures).toBeGreaterThan(5);
      await line.close();
    });
    expect(unhandled).toEqual([]);
  });

  test("rule 11: that says `retryable: false` is fatal: token_refresh_failed", async () => {
    const { credentials } = provider(Object.assign(new Error("revoked"), { retryable: false }));
    const stage = new Stage();
    const line = stage.line<unknown>({ credentials });
    expect(await line.closed).toMatchObject({
      code: "failed",
      error: { code: "token_refresh_failed", kind: "fatal", text: expect.stringContaining("revoked") },
    });
  });

  test("rule 12: that needs a person leads to auth_required, with what it asks", async () => {
    const login = new HoldfastError({
      code: "login",
      message: "expired",
      kind: "unauthorized",
      prompt: "log in",
    });
    const { told, credentials } = provider(login, "fresh");
    const stage = new Stage();
    const line = stage.line<unknown>({ credentials });
    await stage.clock.pass(100_000);
    expect(line.status).toMatchObject({ state: "auth_required", prompt: "log in" });
    expect(stage.calls).toEqual([]);
    line.answer();
    await settle();
    expect(stage.last.attempt.credential).toBe("fresh");
    expect(told).toHaveLength(2);
    await line.close();
  });

  test("rule 4: that is throttled waits as long as it says", async () => {
    const stage = new Stage();
    const busy = Object.assign(new Error("slow down"), { retryAfterMs: 60_000 });
    const line = stage.line<string>({ credentials: () => Promise.reject(busy) });
    await stage.clock.pass(59_999);
    expect(line.status).toMatchObject({ failures: 1, failure: { code: "credentials_unavailable" } });
    await line.close();
  });

  test("rule 11: that fails after a refusal is told of the refusal again", async () => {
    const { told, credentials } = provider("a", new Error("endpoint down"), "b");
    const stage = new Stage();
    const line = stage.line<unknown>({ credentials });
    await settle();
    await failed(stage, denied());
    expect(told).toEqual([undefined, "bad_token", "bad_token"]);
    await stage.last.open();
    expect(line.status.state).toBe("connected");
    await line.close();
  });

  test("rule 11: that rejects after the line was closed harms nobody", async () => {
    const stage = new Stage();
    let reject: (error: Error) => void = () => undefined;
    const unhandled = await unhandledIn(async () => {
      const line = stage.line<string>({ credentials: () => new Promise<string>((_, no) => (reject = no)) });
      await settle();
      await line.close();
      reject(new Error("too late"));
    });
    expect(unhandled).toEqual([]);
  });
});
