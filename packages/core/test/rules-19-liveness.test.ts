// DESIGN section 5, rules 14 and 19 to 24: what counts as life, when a link is asked, and when it is given up.
import { HoldfastError } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { BEATS, Bench, MUTE, PINGS } from "./bench.ts";

const pings = (bench: Bench): readonly number[] =>
  bench.log.filter(({ action }) => action.type === "ping").map(({ at }) => at);
const up = (policy = {}, link = PINGS): Bench => new Bench(policy).start().open(link);
const diedOf = (bench: Bench): string | undefined =>
  bench.state.at === "up" ? undefined : bench.status.failure?.code;
const pingFails = (bench: Bench): Bench => {
  const failure = new HoldfastError({ code: "send_failed", message: "full" });
  bench.feed({ type: "ping_failed", dial: bench.state.memory.dial, failure });
  return bench;
};

describe("rule 19: silence", () => {
  test("rule 19: a ping when idle for 10 s, death after 15 s, both from the last byte", () => {
    const bench = up().pass(3_000).hear().pass(9_999);
    expect(pings(bench)).toEqual([]);
    bench.pass(5_000);
    expect(pings(bench)).toEqual([13_000]);
    expect(diedOf(bench)).toBeUndefined();
    bench.pass(1);
    expect(diedOf(bench)).toBe("no_life");
    expect(bench.now).toBe(18_000);
    expect(bench.log.at(-2)).toMatchObject({ at: 18_000, action: { type: "hang_up" } });
  });

  test("rule 19: any byte is life: a peer that talks and never answers a ping stays connected", () => {
    const bench = up();
    for (let i = 0; i < 100; i++) bench.hear().pass(9_000);
    expect(bench.status).toMatchObject({ state: "connected", epoch: 1 });
    expect(pings(bench)).toEqual([]);
  });

  test("rule 19: bytes count even if nobody looked: only the last one's time matters", () => {
    const bench = up().pass(14_000).hear().pass(14_999);
    expect(bench.state.at).toBe("up");
    expect(bench.status.lastHeard).toBe(14_000);
    bench.pass(1);
    expect(diedOf(bench)).toBe("no_life");
  });

  test("rule 19: never from the ping (B12): a black hole right after a byte dies on time", () => {
    const bench = up().pass(9_990).hear().pass(15_000);
    expect(diedOf(bench)).toBe("no_life");
    expect(bench.status.lastHeard).toBe(9_990);
  });

  test("rule 19: while data is unacknowledged: a ping after 3 s, death after 8 s", () => {
    const bench = up().hear().progress(100, 0).pass(2_999);
    expect(pings(bench)).toEqual([]);
    bench.pass(1);
    expect(pings(bench)).toEqual([3_000]);
    bench.pass(4_999);
    expect(diedOf(bench)).toBeUndefined();
    bench.pass(1);
    expect(diedOf(bench)).toBe("no_life");
    expect(bench.now).toBe(8_000);
  });

  test.each([8_001, 8_500, 9_000, 9_999])(
    "rule 19: writing to a link that was idle for %d ms does not kill it: the peer has its time to answer",
    (idleMs) => {
      const bench = up().pass(idleMs).progress(100, 0).pass(0);
      expect(diedOf(bench)).toBeUndefined();
      expect(pings(bench), "it is asked at once").toEqual([idleMs]);
      bench.pass(40).hear().progress(0, 100).pass(5_000);
      expect(bench.status).toMatchObject({ state: "connected", epoch: 1 });
    },
  );

  test("rule 19: and if nobody answers, it dies 8 s after the write, never later than 15 s after the last byte", () => {
    expect(up().pass(1_000).progress(100, 0).pass(8_000).status.failure?.code).toBe("no_life");
    const late = up().pass(9_500).progress(100, 0).pass(5_499);
    expect(diedOf(late)).toBeUndefined();
    expect(diedOf(late.pass(1))).toBe("no_life");
  });

  test("rule 19: more data does not put the death off", () => {
    const bench = up().hear();
    for (let i = 0; i < 7; i++) bench.progress(100 * (i + 1), 0).pass(1_000);
    expect(diedOf(bench)).toBeUndefined();
    expect(diedOf(bench.progress(900, 0).pass(1_000))).toBe("no_life");
  });

  test("rule 19: a user's timeout is never lowered (B19)", () => {
    const bench = up({ heartbeat: { timeoutMs: 60_000 } })
      .hear()
      .progress(100, 0)
      .pass(20_000);
    expect(diedOf(bench)).toBeUndefined();
    expect(bench.config.heartbeat).toMatchObject({ timeoutMs: 60_000, busyTimeoutMs: 60_000 });
  });

  test("rule 19: acknowledged: back to the long times", () => {
    const bench = up().hear().progress(100, 0).pass(1_000).progress(0, 100).pass(13_999);
    expect(diedOf(bench)).toBeUndefined();
    expect(diedOf(bench.pass(1))).toBe("no_life");
  });

  test("rule 19: liveness acts: the dead link is hung up and redialled", () => {
    const bench = up().pass(15_000).pass(1_000);
    expect(bench.count("hang_up")).toBe(1);
    expect(bench.dials).toHaveLength(2);
  });

  test("rule 19: a link that only beats is judged by silence and never pinged", () => {
    const bench = up({}, BEATS);
    for (let i = 0; i < 20; i++) bench.hear().pass(14_000);
    expect(bench.state.at).toBe("up");
    expect(diedOf(bench.pass(1_000))).toBe("no_life");
    expect(pings(bench)).toEqual([]);
  });

  test("rule 19: a link without evidence, and a line without heartbeats, are never judged by silence", () => {
    expect(up({}, MUTE).pass(10 ** 7).state.at).toBe("up");
    const off = up({ heartbeat: false }).pass(10 ** 7);
    expect(off.state.at).toBe("up");
    expect(pings(off)).toEqual([]);
  });
});

describe("rule 14: liveness reports", () => {
  test("rule 14: not configured, where there is nothing to report", () => {
    expect(up({}, MUTE).state.memory.liveness).toEqual({ outcome: "not_configured" });
    expect(up({ heartbeat: false }).state.memory.liveness).toEqual({ outcome: "not_configured" });
    expect(up().state.memory.liveness).toEqual({ outcome: "unknown" });
  });

  test("rule 14: succeeded, with a count of pings in a row that were answered", () => {
    const bench = up();
    for (let count = 1; count <= 3; count++) {
      bench.pass(10_000).hear().pass(1);
      bench.feed({ type: "tick" });
      expect(bench.state.memory.liveness).toEqual({ outcome: "succeeded", count });
    }
  });

  test("rule 14: bytes that nobody asked for are no report", () => {
    const bench = up();
    for (let i = 0; i < 5; i++) bench.pass(1_000).hear();
    bench.feed({ type: "tick" });
    expect(bench.state.memory.liveness).toEqual({ outcome: "unknown" });
  });

  test("rule 14: failed, with a count, up to and including the death of the link", () => {
    const bench = up({ heartbeat: { intervalMs: 4_000, timeoutMs: 15_000 } }).pass(8_000);
    expect(bench.state.memory.liveness).toEqual({ outcome: "failed", count: 1 });
    bench.pass(4_000);
    expect(bench.state.memory.liveness).toEqual({ outcome: "failed", count: 2 });
    bench.pass(3_000);
    expect(bench.state.at).toBe("waiting");
    expect(bench.state.memory.liveness).toEqual({ outcome: "failed", count: 3 });
  });

  test("rule 14: a black hole is reported as failed even if only one ping fits into the timeout", () => {
    expect(up().pass(15_000).state.memory.liveness).toEqual({ outcome: "failed", count: 1 });
  });

  test("rule 14: a ping that could not be sent counts once", () => {
    const bench = up({}, { ...PINGS, survivesPingFailure: true }).pass(10_000);
    pingFails(bench);
    expect(bench.state.memory.liveness).toEqual({ outcome: "failed", count: 1 });
    bench.hear().pass(10_000);
    expect(bench.state.memory.liveness).toEqual({ outcome: "failed", count: 1 });
  });

  test("rule 14: a probe soon after a ping does not make that ping a failure", () => {
    const bench = up().pass(10_000).pass(50).wake("network");
    expect(pings(bench)).toEqual([10_000, 10_050]);
    expect(bench.state.memory.liveness).toEqual({ outcome: "unknown" });
  });

  test("rule 14: each link begins anew", () => {
    const bench = up().pass(15_000);
    bench.wait();
    expect(bench.open().state.memory.liveness).toEqual({ outcome: "unknown" });
  });
});

describe("rule 20: timeout within the interval", () => {
  test("rule 20: pings every third of the timeout, so that a healthy idle link stays up", () => {
    const bench = up({ heartbeat: { intervalMs: 10_000, timeoutMs: 6_000 } });
    for (let i = 0; i < 30; i++) {
      bench.pass(2_000);
      expect(pings(bench)).toHaveLength(i + 1);
      bench.hear();
    }
    expect(bench.status).toMatchObject({ state: "connected", epoch: 1 });
  });

  test("rule 20: an equal pair is no better", () => {
    expect(pings(up({ heartbeat: { intervalMs: 6_000, timeoutMs: 6_000 } }).pass(2_000))).toEqual([2_000]);
  });

  test("rule 20: a timeout above the interval leaves it alone", () => {
    const bench = up({ heartbeat: { intervalMs: 5_000, timeoutMs: 6_000 } }).pass(4_999);
    expect(pings(bench)).toEqual([]);
    expect(pings(bench.pass(1))).toEqual([5_000]);
  });

  test("rule 20: a dead peer still dies on time", () => {
    expect(diedOf(up({ heartbeat: { intervalMs: 10_000, timeoutMs: 4_000 } }).pass(4_000))).toBe("no_life");
  });
});

describe("rule 21: maxHeartbeatFailures", () => {
  const surviving = { ...PINGS, survivesPingFailure: true };

  test("rule 21: the third failed ping in a row hangs up, where a link survives one", () => {
    const bench = up({}, surviving);
    expect(pingFails(bench).state.at).toBe("up");
    expect(pingFails(bench).state.at).toBe("up");
    expect(pingFails(bench).state.at).toBe("waiting");
    expect(bench.status.failure?.code).toBe("send_failed");
    expect(bench.count("hang_up")).toBe(1);
  });

  test("rule 21: reset by any success: a ping that was sent, or a byte", () => {
    const bench = up({}, surviving);
    pingFails(pingFails(bench));
    bench.feed({ type: "ping_sent", dial: 1 });
    pingFails(pingFails(bench));
    bench.pass(1).hear();
    expect(pingFails(pingFails(bench)).state.at).toBe("up");
    expect(pingFails(bench).state.at).toBe("waiting");
  });

  test("rule 21: 0 disables; 1 is the first", () => {
    const never = up({ heartbeat: { maxFailures: 0 } }, surviving);
    for (let i = 0; i < 100; i++) pingFails(never.hear());
    expect(never.state.at).toBe("up");
    expect(pingFails(up({ heartbeat: { maxFailures: 1 } }, surviving)).state.at).toBe("waiting");
  });

  test("rule 21: on a byte stream one hard error ends the link", () => {
    for (const maxFailures of [0, 3]) {
      expect(pingFails(up({ heartbeat: { maxFailures } })).state.at).toBe("waiting");
    }
  });

  test("rule 21: a failed ping of an old link is nothing", () => {
    const bench = up().lose();
    bench.wait();
    bench.open();
    const failure = new HoldfastError({ code: "send_failed", message: "full" });
    bench.feed({ type: "ping_failed", dial: 1, failure });
    expect(bench.state.at).toBe("up");
  });
});

describe("rule 22: no progress", () => {
  const talking = (bench: Bench, seconds: number, moved: (second: number) => number): Bench => {
    for (let s = 0; s < seconds && bench.state.at === "up"; s++) {
      bench.hear().progress(5_000, moved(s)).pass(1_000);
    }
    return bench;
  };

  test("rule 22: 30 s without a byte moving is death, even though pings pass (B23)", () => {
    const bench = talking(up(), 60, () => 7);
    expect(bench.now).toBe(30_000);
    expect(diedOf(bench)).toBe("no_progress");
  });

  test("rule 22: max(2 x timeout, 15 s)", () => {
    expect(up({ heartbeat: { timeoutMs: 2_000 } }).config.heartbeat?.noProgressMs).toBe(15_000);
    expect(up({ heartbeat: { timeoutMs: 20_000 } }).config.heartbeat?.noProgressMs).toBe(40_000);
    expect(diedOf(talking(up({ heartbeat: { timeoutMs: 2_000 } }), 16, () => 7))).toBe("no_progress");
  });

  test("rule 22: any movement is progress: acknowledgements, or bytes that the socket drained", () => {
    expect(talking(up(), 300, (s) => Math.floor(s / 29)).state.at).toBe("up");
  });

  test("rule 22: nothing unacknowledged, nothing stuck", () => {
    const bench = up();
    for (let s = 0; s < 300; s++) bench.hear().progress(0, 7).pass(1_000);
    expect(bench.state.at).toBe("up");
  });

  test("rule 22: the clock starts with the data, not with the link", () => {
    const bench = up();
    for (let s = 0; s < 100; s++) bench.hear().pass(1_000);
    talking(bench, 29, () => 0);
    expect(bench.state.at).toBe("up");
  });

  test("rule 22: it says nothing bad about the heartbeats", () => {
    const bench = up();
    while (bench.state.at === "up") bench.hear().progress(5_000, 7).pass(1_000);
    expect(bench.state.memory.liveness.outcome).not.toBe("failed");
  });
});

describe("rule 24: late timers", () => {
  test("rule 24: a late timer probes before it declares anybody dead (B21)", () => {
    const bench = up().freeze(20_000);
    expect(diedOf(bench)).toBeUndefined();
    expect(pings(bench)).toEqual([20_000]);
    bench.pass(500).hear().pass(5_000);
    expect(bench.status).toMatchObject({ state: "connected", epoch: 1 });
  });

  test("rule 24: the probe has two seconds", () => {
    const bench = up().freeze(20_000).pass(1_999);
    expect(diedOf(bench)).toBeUndefined();
    expect(diedOf(bench.pass(1))).toBe("no_life");
  });

  test("rule 24: bytes that came while nobody looked are enough", () => {
    const bench = up().pass(5_000);
    bench.now += 14_000;
    bench.hear();
    bench.now += 6_000;
    bench.feed({ type: "tick" });
    expect(pings(bench)).toEqual([]);
    expect(bench.state.at).toBe("up");
  });

  test("rule 24: a little late is not asleep", () => {
    expect(diedOf(up().freeze(15_900))).toBe("no_life");
  });

  test("rule 24: a late no-progress clock probes too", () => {
    const bench = up().hear().progress(10, 0).pass(1_000);
    bench.now += 60_000;
    bench.hear();
    bench.feed({ type: "tick" });
    expect(diedOf(bench)).toBeUndefined();
  });

  test("rule 24: a late dial timeout is a failed dial, and not the end of a budget", () => {
    const bench = new Bench({ giveUpAfterMs: 15_000 }).start().freeze(60_000);
    expect(bench.status).toMatchObject({ phase: "waiting", failure: { code: "timed_out" } });
  });

  test("rule 24: a wait that ran out in a suspend is dialled when it is noticed", () => {
    expect(new Bench().start().fail().freeze(3_600_000).state.at).toBe("dialing");
  });

  test("rule 24: deadlines use the machine's own time alone: shifting it changes nothing", () => {
    const run = (origin: number): unknown => {
      const bench = new Bench();
      bench.now = origin;
      bench.start().open().hear().pass(40_000);
      return bench.log.map(({ at, action }) => [at - origin, action.type]);
    };
    expect(run(1_800_000_000_000)).toEqual(run(0));
  });
});

describe("what is heard is remembered", () => {
  test("closing does not turn lastHeard back to when the link came up", () => {
    const bench = up().pass(5_000).hear().pass(1_000);
    bench.feed({ type: "close" });
    expect(bench.status).toMatchObject({ state: "disconnected", lastHeard: 5_000 });
  });

  test("nor does any other end of the link", () => {
    for (const end of [(b: Bench) => b.lose(), (b: Bench) => b.wake("network", true), pingFails]) {
      const bench = up().pass(5_000).hear().pass(1_000);
      end(bench);
      expect(bench.status.lastHeard).toBe(5_000);
    }
  });

  test("bytes of an old link do not count for the new one", () => {
    const bench = up().pass(1_000).hear().lose();
    bench.wait();
    bench.open();
    expect(bench.pass(14_999).state.at).toBe("up");
    expect(diedOf(bench.pass(1))).toBe("no_life");
  });
});
