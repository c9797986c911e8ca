// Whatever comes, in whatever order and at whatever time: what always holds. (I1 to I10 of the simulation hold in
// worlds that make sense; these hold in worlds that make none.)
import {
  deadline,
  HoldfastError,
  initialState,
  MAX_TIMER_MS,
  presets,
  resolveConfig,
  statusOf,
  step,
  type Config,
  type Input,
  type MachineState,
  type Policy,
} from "@holdfast/core";
import fc from "fast-check";
import { expect, test } from "vitest";

const number = fc.oneof(
  fc.constantFrom(0, 1, 100, 250, 1_000, 10_000, 10 ** 12, Infinity, -Infinity, NaN, -1),
  fc.double(),
);
const failure = fc
  .record({
    code: fc.constantFrom("x", "replaced", "restarting", "identity_changed", "credentials_unavailable"),
    kind: fc.constantFrom("fatal", "transient", "transient", "throttled", "unauthorized"),
    fault: fc.constantFrom("local", "peer", "network"),
    retryAfterMs: fc.option(number, { nil: undefined }),
    prompt: fc.option(fc.constant("?"), { nil: undefined, freq: 4 }),
  } as const)
  .map((details) => new HoldfastError({ ...details, message: "made up" }));
const link = fc.record({
  pings: fc.boolean(),
  beats: fc.boolean(),
  survivesPingFailure: fc.boolean(),
  windowMs: fc.option(number, { nil: undefined }),
});
/** `old`: the dial is not the present one. */
const act = fc.record({
  old: fc.boolean().map((old) => old),
  elapsedMs: fc.oneof(fc.constantFrom(0, 1, 50, 100, 250, 2_000, 10_000, 60_000), fc.nat(100_000)),
  onTime: fc.boolean(),
  heard: fc.boolean(),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  input: fc.oneof(
    fc.constant({ type: "start" } as const),
    fc.record({ type: fc.constant("opened" as const), dial: fc.constant(0), link }),
    fc.record({ type: fc.constantFrom("dial_failed", "lost", "ping_failed"), dial: fc.constant(0), failure }),
    fc.record({
      type: fc.constant("drain_announced" as const),
      dial: fc.constant(0),
      windowMs: fc.option(number, { nil: undefined }),
    }),
    fc.record({
      type: fc.constant("progress" as const),
      dial: fc.constant(0),
      unackedBytes: fc.nat(5),
      movedBytes: fc.nat(5),
    }),
    fc.record({
      type: fc.constant("wake" as const),
      reason: fc.constantFrom("user", "network", "sleep", "online", "visible"),
      addressGone: fc.boolean(),
    }),
    fc.constant({ type: "answered" } as const),
    fc.record({ type: fc.constant("adjusted" as const), dial: fc.constant(0), delayMs: number }),
    fc.constantFrom(
      { type: "vetoed", dial: 0 } as const,
      { type: "tick" } as const,
      { type: "tick" } as const,
    ),
  ),
});
const policy: fc.Arbitrary<Policy> = fc.oneof(
  fc.constantFrom<Policy>({}, { giveUpAfterMs: 30_000 }, { maxAttempts: 5 }, { heartbeat: false }),
  fc.constantFrom(...Object.values(presets)),
  fc.constantFrom<Policy>(
    { backoff: { initialMs: 1, maxMs: 100 }, stableAfterMs: 1, dialTimeoutMs: 1 },
    { dialTimeoutMs: 10 ** 12, heartbeat: { timeoutMs: 10 ** 12 } },
    { heartbeat: { timeoutMs: 1, intervalMs: 10 ** 9 }, strictIdentity: true },
  ),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** Runs it all, with `check` after every step. */
class Run {
  state: MachineState = initialState;
  now = 0;
  heardAt: number | undefined = undefined;
  readonly dials: number[] = [];
  readonly config: Config;
  readonly #check: (run: Run, before: MachineState, input: Input) => void;

  constructor(policyOf: Policy, check: (run: Run, before: MachineState, input: Input) => void) {
    this.config = resolveConfig({ failFast: false, ...policyOf });
    this.#check = check;
  }

  act({ old, elapsedMs, onTime, heard, random, input }: Act): void {
    const until = this.now + elapsedMs;
    if (onTime) this.tickUntil(until, random);
    this.now = until;
    if (heard) this.heardAt = this.now;
    const { dial } = this.state.memory;
    this.feed("dial" in input ? ({ ...input, dial: old ? dial - 1 : dial } as Input) : input, random);
  }

  feed(input: Input, random: number): void {
    const before = this.state;
    const { state, actions } = step(
      before,
      { heardAt: this.heardAt, ...input },
      this.now,
      this.config,
      () => random,
    );
    this.state = state;
    for (const { type } of actions) if (type === "dial") this.dials.push(this.now);
    this.#check(this, before, input);
  }

  /** A timer that is on time; more than a bounded number of turns at one instant is a spin. */
  tickUntil(until: number, random: number): void {
    for (let here = 0; ;) {
      const at = deadline(this.state, this.config);
      if (at === undefined || !(at <= until)) return;
      here = at > this.now ? 0 : here + 1;
      if (here > 10) throw new Error(`spins in ${this.state.at}`);
      this.now = Math.max(this.now, at);
      this.feed({ type: "tick" }, random);
    }
  }
}

const holds = (check: (run: Run, before: MachineState, input: Input) => void): void =>
  fc.assert(
    fc.property(policy, fc.array(act, { maxLength: 60 }), (policyOf, acts) => {
      const run = new Run(policyOf, check);
      run.feed({ type: "start" }, 0.5);
      for (const one of acts) run.act(one);
    }),
    { numRuns: 250 },
  );

test("nothing throws, no deadline is NaN, and none in the past survives its ticks", () => {
  holds(({ state, config, now }) => {
    const at = deadline(state, config);
    if (at !== undefined) expect(Number.isFinite(at)).toBe(true);
    expect(JSON.stringify(statusOf(state))).not.toContain("NaN");
    expect(now).not.toBeNaN();
  });
});

test("I3: the epoch never falls, and rises by 1 exactly when `connected` is written", () => {
  holds(({ state }, before) => {
    const [was, is] = [statusOf(before), statusOf(state)];
    const connected = is.state === "connected" && was.state !== "connected";
    expect(is.epoch - was.epoch).toBe(connected ? 1 : 0);
  });
});

test("I4: `waiting` always ends, at a time that a timer can take", () => {
  holds(({ state, now }) => {
    if (state.at !== "waiting") return;
    expect(Number.isFinite(state.retryAt)).toBe(true);
    expect(state.retryAt - now).toBeLessThanOrEqual(MAX_TIMER_MS);
    const status = statusOf(state);
    expect("delayMs" in status ? status.delayMs : NaN).toBeGreaterThanOrEqual(0);
  });
});

test("I5: `disconnected` is last, and nothing is done after it", () => {
  fc.assert(
    fc.property(
      policy,
      fc.array(act, { maxLength: 40 }),
      fc.array(act, { maxLength: 10 }),
      (p, acts, after) => {
        const run = new Run(p, () => undefined);
        for (const one of acts) run.act(one);
        run.feed({ type: "close" }, 0.5);
        const end = run.state;
        expect(end.at).toBe("ended");
        expect(deadline(end, run.config)).toBeUndefined();
        const dials = run.dials.length;
        for (const one of after) run.act(one);
        expect(run.state).toBe(end);
        expect(run.dials).toHaveLength(dials);
      },
    ),
    { numRuns: 250 },
  );
});

test("I8: no dial before a running retryAfter, except by a user's wake", () => {
  holds(({ state, now }, before, input) => {
    if (before.at !== "waiting" || state.at !== "dialing") return;
    if (input.type === "wake" && input.reason === "user") return;
    expect(now).toBeGreaterThanOrEqual(before.notBefore);
  });
});

test("I9: 100 ms between dials, and at most ten in any ten seconds", () => {
  holds(({ dials }) => {
    const last = dials.at(-1) ?? 0;
    expect(last - (dials.at(-2) ?? -Infinity)).toBeGreaterThan(99.999);
    expect(last - (dials.at(-11) ?? -Infinity)).toBeGreaterThan(9_999.999);
  });
});

test("I10: auth_required is left only by an answer, a user or a close", () => {
  holds(({ state }, before, input) => {
    if (before.at !== "auth_required" || state.at === "auth_required") return;
    expect(input.type === "answered" || (input.type === "wake" && input.reason === "user")).toBe(true);
  });
});

test("rule 16: inputs of an old dial change nothing at all", () => {
  holds(({ state }, before, input) => {
    if ("dial" in input && input.dial !== before.memory.dial) expect(state).toBe(before);
  });
});

test("failures never grow by more than one, and attempt is 0 or at least 1 as the state demands", () => {
  holds(({ state }, before) => {
    const [was, is] = [statusOf(before), statusOf(state)];
    expect(is.failures - was.failures).toBeLessThanOrEqual(1);
    if (is.state === "connecting" || is.state === "reconnecting")
      expect(is.attempt).toBeGreaterThanOrEqual(1);
    if (is.state === "connected" || is.state === "disconnected") expect(is.attempt).toBe(0);
  });
});

test("rule 1: no bad number is ever accepted", () => {
  const bad = fc.oneof(fc.constantFrom(0, -0, NaN, Infinity, -Infinity), fc.double({ max: 0 }));
  const names = ["initialMs", "factor", "maxMs"] as const;
  fc.assert(
    fc.property(fc.constantFrom(...names), bad, (name, value) => {
      expect(() => resolveConfig({ backoff: { [name]: value } })).toThrow(HoldfastError);
    }),
  );
  const flat = ["dialTimeoutMs", "stableAfterMs", "maxReconnectWindowMs", "maxRetryAfterMs"] as const;
  fc.assert(
    fc.property(fc.constantFrom(...flat), bad, (name, value) => {
      expect(() => resolveConfig({ [name]: value })).toThrow(expect.objectContaining({ code: "bad_config" }));
    }),
  );
});
