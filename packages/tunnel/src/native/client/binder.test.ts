import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KEEP_PORT_MS } from "../../client/wanted-port.ts";
import type { RelayMessage } from "../wire/messages.ts";
import {
  initialBinder,
  isHopeless,
  isLast,
  isSettled,
  nextRetry,
  stepBinder,
  type BinderAction,
  type BinderInput,
  type BinderState,
  type BinderTarget,
} from "./binder.ts";

const WEB: BinderTarget = { label: "web", port: 0, force: false };
const half = (): number => 0.5;

/** A binder with a clock, that remembers what it last asked for. */
class Bench {
  state: BinderState;
  now = 0;

  constructor(...targets: BinderTarget[]) {
    this.state = initialBinder(targets);
  }

  give(input: BinderInput): readonly BinderAction[] {
    const { state, actions } = stepBinder(this.state, input, this.now, half);
    this.state = state;
    return actions;
  }

  hear(message: RelayMessage): readonly BinderAction[] {
    return this.give({ type: "message", message });
  }

  get phases(): string[] {
    return this.state.targets.map(({ phase }) => phase.type);
  }
}

const bound = (id: number, port: number): RelayMessage => {
  return { type: "bound", id, port, generation: 1, lease_ms: 900_000 };
};
const refused = (id: number, code: string, retryable: boolean, retry_after_ms?: number): RelayMessage => {
  return { type: "refused", id, code, message: "no", retryable, retry_after_ms };
};
const bind = (id: number, port: number, more: object = {}): BinderAction => {
  return { type: "send", message: { type: "bind", id, port, target: "web", force: false, ...more } };
};

describe("a target", () => {
  test("is bound in each session, and asks for the port that it had", () => {
    const bench = new Bench(WEB);
    expect(bench.give({ type: "session" })).toEqual([bind(1, 0)]);
    expect(bench.hear(bound(1, 9_000))).toEqual([
      { type: "port", targetId: 1, port: 9_000, previous: undefined },
    ]);
    expect(bench.give({ type: "no_session" })).toEqual([]);
    expect(bench.phases).toEqual(["unbound"]);
    expect(bench.give({ type: "session" })).toEqual([bind(1, 9_000)]);
    expect(bench.hear(bound(1, 9_000))).toEqual([]);
    bench.give({ type: "no_session" });
    bench.give({ type: "session" });
    expect(bench.hear(bound(1, 9_001))).toMatchObject([{ type: "port", port: 9_001, previous: 9_000 }]);
  });

  test("that wanted any port takes another one when its own is refused for five minutes", () => {
    const bench = new Bench(WEB);
    bench.give({ type: "session" });
    bench.hear(bound(1, 9_000));
    bench.give({ type: "no_session" });
    bench.now = KEEP_PORT_MS - 1;
    expect(bench.give({ type: "session" })).toEqual([bind(1, 9_000)]);
    expect(bench.hear(refused(1, "port_in_use", true))).toMatchObject([{ type: "refused", targetId: 1 }]);
    expect(bench.give({ type: "timeout" })).toEqual([]);
    bench.now = nextRetry(bench.state);
    expect(bench.give({ type: "timeout" })).toEqual([bind(1, 0)]);
  });

  test("that asked for one port asks for no other", () => {
    const bench = new Bench({ ...WEB, port: 80 });
    bench.give({ type: "session" });
    for (let tries = 0; tries < 50; tries += 1) {
      bench.hear(refused(1, "port_in_use", true));
      const wait = nextRetry(bench.state) - bench.now;
      expect(wait).toBeGreaterThanOrEqual(100);
      expect(wait).toBeLessThanOrEqual(10_000);
      bench.now += wait;
      expect(bench.give({ type: "timeout" })).toEqual([bind(1, 80)]);
    }
  });

  test("honours the relay's hint", () => {
    const bench = new Bench(WEB);
    bench.give({ type: "session" });
    bench.hear(refused(1, "relay_full", true, 60_000));
    expect(nextRetry(bench.state)).toBe(60_500);
  });

  test("that is refused for good is left alone, and nothing is left when all are", () => {
    const bench = new Bench({ ...WEB, port: 80 }, WEB);
    bench.give({ type: "session" });
    expect(bench.hear(refused(1, "port_not_allowed", false))).toMatchObject([
      { type: "refused", targetId: 1, failure: { kind: "fatal", code: "port_not_allowed" } },
    ]);
    expect(isHopeless(bench.state)).toBe(false);
    bench.hear(bound(2, 9_000));
    expect(isSettled(bench.state)).toBe(true);
    expect(bench.hear({ type: "unbind", id: 2, reason: "replaced" })).toEqual([
      { type: "replaced", targetId: 2 },
    ]);
    expect(isHopeless(bench.state)).toBe(true);
    bench.give({ type: "no_session" });
    expect(bench.give({ type: "session" })).toEqual([]);
  });

  test("that had its port by chance takes another one when it is refused for good", () => {
    const bench = new Bench(WEB);
    bench.give({ type: "session" });
    bench.hear(bound(1, 9_000));
    bench.give({ type: "no_session" });
    bench.give({ type: "session" });
    expect(bench.hear(refused(1, "port_not_allowed", false))).toEqual([bind(1, 0)]);
  });

  test("uses force until it has its port, and never again", () => {
    const bench = new Bench({ ...WEB, force: true });
    expect(bench.give({ type: "session" })).toEqual([bind(1, 0, { force: true })]);
    bench.give({ type: "no_session" });
    expect(bench.give({ type: "session" })).toEqual([bind(1, 0, { force: true })]);
    bench.hear(bound(1, 9_000));
    bench.give({ type: "no_session" });
    expect(bench.give({ type: "session" })).toEqual([bind(1, 9_000)]);
  });

  test("that the relay takes back is asked for again", () => {
    const bench = new Bench(WEB);
    bench.give({ type: "session" });
    bench.hear(bound(1, 9_000));
    expect(bench.hear({ type: "unbind", id: 1, reason: "closed" })).toMatchObject([
      { type: "refused", failure: { code: "unbound", kind: "transient" } },
    ]);
    bench.now = nextRetry(bench.state);
    expect(bench.give({ type: "timeout" })).toEqual([bind(1, 9_000)]);
  });

  test("that is released says so if the relay knows of it, and never comes back", () => {
    const bench = new Bench(WEB, WEB, WEB);
    bench.give({ type: "session" });
    bench.hear(bound(1, 9_000));
    bench.hear(refused(2, "port_in_use", true));
    const unbind = (id: number) => ({ type: "send", message: { type: "unbind", id, reason: "closed" } });
    expect(bench.give({ type: "release" })).toEqual([unbind(1), unbind(3)]);
    expect(nextRetry(bench.state)).toBe(Infinity);
    bench.now = 1e9;
    for (const type of ["timeout", "no_session", "session"] as const)
      expect(bench.give({ type })).toEqual([]);
  });

  test("can be released alone: the others go on, and the last of them ends it all", () => {
    const bench = new Bench(WEB, WEB);
    bench.give({ type: "session" });
    bench.hear(bound(1, 9_000));
    bench.hear(bound(2, 9_001));
    expect(isLast(bench.state, 1)).toBe(false);
    const unbind = { type: "send", message: { type: "unbind", id: 1, reason: "closed" } };
    expect(bench.give({ type: "release", targetId: 1 })).toEqual([unbind]);
    expect(bench.phases).toEqual(["released", "bound"]);
    expect(isLast(bench.state, 2)).toBe(true);
    bench.give({ type: "no_session" });
    expect(bench.give({ type: "session" })).toEqual([bind(2, 9_001)]);
    expect(bench.hear(refused(2, "port_not_allowed", false))).toEqual([bind(2, 0)]);
    expect(isHopeless(bench.state)).toBe(false);
    bench.hear(refused(2, "port_not_allowed", false));
    expect(bench.phases).toEqual(["released", "refused"]);
    expect(isHopeless(bench.state)).toBe(true);
  });
});

const messages: fc.Arbitrary<RelayMessage> = fc.oneof(
  fc
    .record({ id: fc.integer({ min: 1, max: 4 }), port: fc.integer({ min: 1, max: 9 }) })
    .map(({ id, port }) => {
      return bound(id, port);
    }),
  fc
    .record({
      id: fc.integer({ min: 1, max: 4 }),
      retryable: fc.boolean(),
      code: fc.constantFrom("held", "leased", "x"),
    })
    .map(({ id, code, retryable }) => refused(id, code, retryable)),
  fc
    .record({ id: fc.integer({ min: 1, max: 4 }), reason: fc.constantFrom("closed", "replaced", "new") })
    .map(({ id, reason }) => ({ type: "unbind" as const, id, reason })),
);

const inputs: fc.Arbitrary<BinderInput> = fc.oneof(
  fc.constantFrom("session" as const, "no_session" as const, "timeout" as const).map((type) => ({ type })),
  messages.map((message) => ({ type: "message" as const, message })),
);

test("whatever the relay says, a target that was replaced or refused never asks again", () => {
  fc.assert(
    fc.property(fc.array(inputs, { maxLength: 60 }), (all) => {
      const bench = new Bench(WEB, { ...WEB, port: 5 }, { ...WEB, force: true });
      for (const input of all) {
        const over = bench.state.targets.filter(({ phase }) => ["refused", "replaced"].includes(phase.type));
        const actions = bench.give(input);
        bench.now += 777;
        for (const { id, phase } of over) {
          expect(bench.state.targets[id - 1]?.phase).toEqual(phase);
          expect(actions.some((action) => action.type === "send" && action.message.id === id)).toBe(false);
        }
        // At most one question is open for each target.
        const asked = actions.flatMap((action) => (action.type === "send" ? [action.message.id] : []));
        expect(new Set(asked).size).toBe(asked.length);
      }
    }),
    { numRuns: 500 },
  );
});
