// DESIGN section 5, rule 6: what a wake does in every state, one test for each cell of the table.
import { describe, expect, test } from "vitest";
import { BEATS, Bench, BUSY, HIGH, LOW, MIDDLE, MUTE, PEER_LEFT, waits } from "./bench.ts";

const automatic = ["network", "sleep", "online", "visible"] as const;
const prompt = { code: "otp", message: "code?", kind: "unauthorized", prompt: "one-time code" } as const;

describe.each(automatic)("rule 6: an automatic wake (%s)", (reason) => {
  test("rule 6: waiting: dial after U(0 .. 250 ms)", () => {
    for (const [random, ms] of [
      [LOW, 0],
      [MIDDLE, 125],
      [HIGH, 250],
    ] as const) {
      const bench = new Bench({}, HIGH).stable().lose();
      bench.wait();
      waits(bench, 4);
      bench.fail().pass(500);
      bench.random = random;
      expect(bench.wake(reason).waitMs).toBeCloseTo(ms);
      bench.wait();
      expect(bench.state.at).toBe("dialing");
    }
  });

  test("rule 6: waiting: never later than it would have been", () => {
    const bench = new Bench({}, HIGH).stable().lose().pass(200);
    expect(bench.waitMs).toBeCloseTo(50);
    expect(bench.wake(reason).waitMs).toBeCloseTo(50);
  });

  test("rule 6: waiting: never before a retryAfter that still runs", () => {
    const bench = new Bench({}, LOW).start().fail({ ...BUSY, retryAfterMs: 30_000 });
    for (let i = 0; i < 10; i++) bench.pass(1_000).wake(reason);
    expect(bench.waitMs).toBe(20_000);
    expect(bench.wait()).toBe(20_000);
    expect(bench.dials).toEqual([0, 30_000]);
  });

  test("rule 6: dialing: a dial that began before it is restarted, by the same number of failures", () => {
    const bench = new Bench().start().pass(3_000);
    expect(bench.names({ type: "wake", reason })).toEqual(["cancel_dial", "dial"]);
    expect(bench.status).toMatchObject({ phase: "dialing", attempt: 2, failures: 0 });
    expect(bench.state.memory.dial).toBe(2);
  });

  test("rule 6: dialing: at most once per dial timeout, or a slow network never lets one end", () => {
    const bench = new Bench().start();
    for (let ms = 0; ms < 9_500; ms += 500) bench.pass(500).wake(reason);
    expect(bench.dials).toEqual([0, 500]);
    bench.fail();
    bench.wait();
    bench.pass(400).wake(reason);
    expect(bench.dials, "nor a young dial, soon after the last restart").toEqual([0, 500, 10_000]);
    bench.pass(100).wake(reason);
    expect(bench.dials, "a dial timeout after the last restart").toEqual([0, 500, 10_000, 10_500]);
  });

  test("rule 6: connected: a probe with a deadline of two seconds", () => {
    const bench = new Bench().stable();
    expect(bench.names({ type: "wake", reason })).toEqual(["ping"]);
    bench.pass(1_999);
    expect(bench.state.at).toBe("up");
    bench.pass(1);
    expect(bench.status).toMatchObject({ state: "reconnecting", failure: { code: "no_life" } });
  });

  test("rule 6: connected: a byte after the probe answers it", () => {
    const bench = new Bench().stable().wake(reason).pass(1_500).hear().pass(5_000);
    expect(bench.status).toMatchObject({ state: "connected", epoch: 1 });
  });

  test("rule 6: connected: hang up if the local address is gone", () => {
    const bench = new Bench().stable();
    expect(bench.names({ type: "wake", reason, addressGone: true })).toEqual(["hang_up", "consult"]);
    expect(bench.status).toMatchObject({ state: "reconnecting", failure: { code: "address_gone" } });
  });

  test("rule 6: auth_required: nothing", () => {
    const bench = new Bench().start().fail(prompt);
    expect(bench.names({ type: "wake", reason })).toEqual([]);
    expect(bench.pass(3_600_000).status.state).toBe("auth_required");
  });

  test("rule 6: disconnected: nothing", () => {
    const bench = new Bench().start();
    bench.feed({ type: "close" });
    expect(bench.names({ type: "wake", reason })).toEqual([]);
    expect(bench.status.state).toBe("disconnected");
  });
});

describe("rule 6: a user's wake", () => {
  test("rule 6: waiting: dial at once", () => {
    const bench = new Bench({}, HIGH).start();
    waits(bench, 4);
    bench.fail().pass(3_000);
    expect(bench.names({ type: "wake", reason: "user" })).toEqual(["dial"]);
  });

  test("rule 6: waiting: retryAfter or not", () => {
    const bench = new Bench({}, HIGH)
      .start()
      .fail({ ...BUSY, retryAfterMs: 60_000 })
      .pass(1_000);
    expect(bench.names({ type: "wake", reason: "user" })).toEqual(["dial"]);
  });

  test("rule 6: waiting: not below the pacing floor", () => {
    const bench = new Bench({}, HIGH).start().fail().pass(30);
    expect(bench.names({ type: "wake", reason: "user" })).toEqual([]);
    expect(bench.waitMs).toBe(70);
  });

  test("rule 6: dialing: the same dial goes on if it began after the last change", () => {
    const bench = new Bench().start().pass(3_000);
    expect(bench.names({ type: "wake", reason: "user" })).toEqual([]);
    expect(bench.dials).toEqual([0]);
  });

  test("rule 6: dialing: a dial that began before the last change is restarted", () => {
    const bench = new Bench().start().pass(1_000).wake("network").pass(1_000).wake("network");
    expect(bench.dials, "the second change restarts nothing").toEqual([0, 1_000]);
    expect(bench.names({ type: "wake", reason: "user" })).toEqual(["cancel_dial", "dial"]);
    expect(bench.names({ type: "wake", reason: "user" })).toEqual([]);
  });

  test("rule 6: connected: probe", () => {
    const bench = new Bench().stable();
    expect(bench.names({ type: "wake", reason: "user" })).toEqual(["ping"]);
    expect(bench.names({ type: "wake", reason: "user" }), "one probe at a time").toEqual([]);
    expect(bench.pass(2_000).state.at).toBe("waiting");
  });

  test("rule 6: auth_required: dial", () => {
    const bench = new Bench().start().fail(prompt).pass(60_000);
    expect(bench.names({ type: "wake", reason: "user" })).toEqual(["dial"]);
  });

  test("rule 6: disconnected: nothing", () => {
    const bench = new Bench().start();
    bench.feed({ type: "close" });
    expect(bench.names({ type: "wake", reason: "user" })).toEqual([]);
  });
});

describe("rule 6: and besides", () => {
  test("rule 6: waking resets no counter", () => {
    const bench = new Bench({}, HIGH).start();
    waits(bench, 5);
    const before = bench.fail().status;
    for (const reason of [...automatic, "user"] as const) bench.pass(100).wake(reason);
    bench.fail();
    expect(bench.status.failures).toBe(before.failures + 1);
    expect(bench.waitMs, "delays keep growing against a dead peer").toBeCloseTo(10_000);
    expect(bench.state.memory.lostAt).toBe(0);
  });

  test("rule 6: evidence from before the wake does not answer its probe", () => {
    const bench = new Bench().stable().pass(5_000).hear().pass(1).wake("network");
    expect(bench.pass(2_000).status).toMatchObject({ failure: { code: "no_life" } });
  });

  test("rule 6: a link that can only be listened to has until it would have spoken anyway", () => {
    const bench = new Bench({ heartbeat: { intervalMs: 6_000, timeoutMs: 15_000 } }).stable(BEATS);
    expect(bench.names({ type: "wake", reason: "network" })).toEqual([]);
    expect(bench.pass(5_999).state.at).toBe("up");
    expect(bench.pass(1).state.at).toBe("waiting");
    const quick = new Bench({ heartbeat: { intervalMs: 500, timeoutMs: 8_000 } }).stable(BEATS).wake("sleep");
    expect(quick.pass(1_999).state.at).toBe("up");
    expect(quick.pass(1).state.at, "two seconds, where it beats each half second").toBe("waiting");
  });

  test("rule 6: a link without any evidence is left alone unless its address is gone", () => {
    const bench = new Bench().stable(MUTE).wake("network").wake("user").pass(3_600_000);
    expect(bench.state.at).toBe("up");
    expect(bench.wake("network", true).state.at).toBe("waiting");
  });

  test("rule 6: E14: a second wake does not start a second dial", () => {
    const bench = new Bench({}, LOW).start().fail().pass(500);
    bench.wake("user").wake("user").wake("online").wake("user");
    expect(bench.count("dial") - bench.count("cancel_dial")).toBeLessThanOrEqual(2);
    expect(bench.state.at === "dialing" || bench.state.at === "waiting").toBe(true);
  });

  test("rule 6: a wake that was due anyway dials once", () => {
    const bench = new Bench({}, LOW).stable().lose(PEER_LEFT);
    bench.wake("network");
    bench.wait();
    bench.pass(5_000);
    expect(bench.dials).toHaveLength(2);
  });
});
