// DESIGN section 5, rules 10 to 12: which failures end a line, which ask a person, and which are retried.
import { presets } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { Bench, EXPIRED, FATAL, HIGH, LOW, PEER_LEFT, REFUSED, STRANGER, waits } from "./bench.ts";

const prompt = { code: "password", message: "password?", kind: "unauthorized", prompt: "password" } as const;
const lastDial = (bench: Bench) =>
  bench.log.flatMap(({ action }) => (action.type === "dial" ? [action] : [])).at(-1);

describe("rule 10: kinds", () => {
  test("rule 10: fatal is never retried, on a dial or a link", () => {
    expect(new Bench().start().fail(FATAL).reason).toBe("failed");
    const later = new Bench().stable().lose().pass(250);
    expect(later.fail(FATAL).reason).toBe("failed");
    expect(new Bench().stable().lose(FATAL).reason).toBe("failed");
  });

  test("rule 10: transient and throttled are retried", () => {
    for (const kind of ["transient", "throttled"] as const) {
      expect(new Bench().start().fail({ code: "anything", message: "x", kind }).state.at).toBe("waiting");
    }
  });

  test.each(["identity_changed", "not_our_peer"])("rule 10: %s is fatal before there was a link", (code) => {
    for (const kind of ["fatal", "transient"] as const) {
      expect(new Bench().start().fail({ ...STRANGER, code, kind }).reason).toBe("failed");
    }
  });

  test.each(["identity_changed", "not_our_peer"])("rule 10: %s waits at the cap afterwards", (code) => {
    const bench = new Bench({}, HIGH).stable().lose().pass(250);
    expect(bench.fail({ ...STRANGER, code }).waitMs).toBeCloseTo(10_000);
    expect(bench.status).toMatchObject({ state: "reconnecting", failure: { code } });
    bench.wait();
    expect(bench.fail({ ...STRANGER, code }).waitMs).toBeCloseTo(10_000);
  });

  test("rule 10: strictIdentity makes it fatal always", () => {
    const bench = new Bench({ strictIdentity: true }).stable().lose().pass(250);
    expect(bench.fail(STRANGER).reason).toBe("failed");
    const soft = new Bench({ strictIdentity: true }).stable().lose().pass(250);
    expect(soft.fail({ ...STRANGER, kind: "transient" }).reason).toBe("failed");
  });

  test("rule 10: I10: nothing secret is sent until a link proves who is there", () => {
    const bench = new Bench({}, HIGH).stable().lose();
    bench.wait();
    expect(lastDial(bench)?.suspect).toBe(false);
    bench.fail(STRANGER);
    bench.wait();
    expect(lastDial(bench)?.suspect).toBe(true);
    bench.fail(REFUSED);
    bench.wait();
    expect(lastDial(bench)?.suspect, "whoever was met last is still not ours").toBe(true);
    bench.pass(10_000).wait();
    expect(lastDial(bench)?.suspect, "nor after a timeout").toBe(true);
    bench.open().lose();
    bench.wait();
    expect(lastDial(bench)?.suspect).toBe(false);
  });

  test("rule 10: a host key that a person has to judge is theirs to answer", () => {
    const asked = { ...STRANGER, kind: "unauthorized", prompt: "host key changed" } as const;
    expect(new Bench().start().fail(asked).status).toMatchObject({ state: "auth_required" });
  });
});

describe("rule 11: credentials", () => {
  test("rule 11: a refusal is passed on to the next dial, once", () => {
    const bench = new Bench().start();
    expect(lastDial(bench)?.refused).toBeUndefined();
    bench.fail(EXPIRED);
    bench.wait();
    expect(lastDial(bench)?.refused).toMatchObject({ code: "bad_token" });
    bench.fail(REFUSED);
    bench.wait();
    expect(lastDial(bench)?.refused).toBeUndefined();
  });

  test("rule 11: fatal when the credential fetched because of a refusal is refused", () => {
    const bench = new Bench().start().fail(EXPIRED);
    bench.wait();
    expect(bench.fail(EXPIRED).status).toMatchObject({
      reason: { code: "failed", error: { code: "bad_token" }, failures: 2 },
    });
  });

  test("rule 11: two expiries in one outage, with a good refresh in between, are survived", () => {
    const bench = new Bench().stable().lose().pass(250).fail(EXPIRED);
    bench.wait();
    waits(bench, 3);
    bench.fail(EXPIRED);
    bench.wait();
    expect(bench.open().state.at).toBe("up");
  });

  test("rule 11: the mark clears after stableAfter, and not on connect (B26)", () => {
    const young = new Bench().start().fail(EXPIRED);
    young.wait();
    expect(young.open().pass(5_000).lose(EXPIRED).reason, "refused right after it connected").toBe("failed");
    const old = new Bench().start().fail(EXPIRED);
    old.wait();
    expect(old.stable().lose(EXPIRED).state.at).toBe("waiting");
  });

  test("rule 11: presets that reset on success keep the mark", () => {
    const bench = new Bench(presets["dev-tunnels"]).start().open().lose(EXPIRED);
    bench.wait();
    expect(bench.open().lose(EXPIRED).reason).toBe("failed");
  });

  test("rule 11: a wake that restarts the dial keeps the refusal", () => {
    const bench = new Bench().start().fail(EXPIRED);
    bench.wait();
    bench.pass(200).wake("network");
    expect(lastDial(bench)?.refused).toMatchObject({ code: "bad_token" });
    expect(bench.fail(EXPIRED).reason).toBe("failed");
  });

  test("rule 11: a credential that could not be fetched was not refused: the next fetch is told again", () => {
    const bench = new Bench().start().fail(EXPIRED);
    bench.wait();
    bench.fail({ code: "credentials_unavailable", message: "no", fault: "local" });
    bench.wait();
    expect(lastDial(bench)?.refused).toMatchObject({ code: "bad_token" });
    expect(bench.fail(EXPIRED).reason).toBe("failed");
  });

  test("rule 11: a link that is lost with a refusal asks for a fresh credential", () => {
    const bench = new Bench().stable().lose(EXPIRED);
    bench.wait();
    expect(lastDial(bench)?.refused).toMatchObject({ code: "bad_token" });
  });
});

describe("rule 12: a person is needed", () => {
  test("rule 12: the state is auth_required, with what is asked, and waits for ever", () => {
    const bench = new Bench({ failFast: true })
      .start()
      .fail(prompt)
      .pass(10 ** 9);
    expect(bench.status).toMatchObject({
      state: "auth_required",
      prompt: "password",
      attempt: 1,
      failures: 1,
    });
    expect(bench.dials).toEqual([0]);
  });

  test("rule 12: answering resumes the line", () => {
    const bench = new Bench().stable().lose(prompt).pass(60_000);
    expect(bench.names({ type: "answered" })).toEqual(["dial"]);
    expect(bench.open().status).toMatchObject({ state: "connected", epoch: 2 });
  });

  test("rule 12: a wrong answer asks again and is never fatal", () => {
    const bench = new Bench({}, LOW).start();
    for (let i = 0; i < 5; i++) {
      bench.fail(prompt).pass(1_000);
      expect(bench.names({ type: "answered" })).toEqual(["dial"]);
    }
  });

  test("rule 12: an answer to nothing changes nothing", () => {
    for (const bench of [
      new Bench(),
      new Bench().start(),
      new Bench().stable(),
      new Bench().stable().lose(),
    ]) {
      const before = bench.status;
      expect(bench.names({ type: "answered" })).toEqual([]);
      expect(bench.status).toEqual({ ...before, lastHeard: bench.status.lastHeard });
    }
  });

  test("rule 12: neither maxAttempts nor the budget runs while a person thinks", () => {
    const bench = new Bench({ maxAttempts: 1, giveUpAfterMs: 1_000 }).start().fail(prompt).pass(3_600_000);
    expect(bench.names({ type: "answered" })).toEqual(["dial"]);
    expect(bench.open().lose(PEER_LEFT).reason).toBe("gave_up");
  });
});
