// Rule 10: one total function classifies everything thrown or received.
import { HoldfastError } from "@holdfast/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const kindOf = (thrown: unknown): string => HoldfastError.from(thrown).kind;
const withCode = (code: string): Error => Object.assign(new Error("text"), { code });

describe("rule 10: what is recognised", () => {
  test.each([
    ["ECONNREFUSED", "connection_refused"],
    ["ECONNRESET", "connection_reset"],
    ["EPIPE", "connection_reset"],
    ["ETIMEDOUT", "timed_out"],
    ["ENOTFOUND", "name_not_resolved"],
    ["EAI_AGAIN", "name_not_resolved"],
    ["EHOSTUNREACH", "unreachable"],
    ["ENETUNREACH", "unreachable"],
    ["ENETDOWN", "unreachable"],
    ["EADDRNOTAVAIL", "unreachable"],
  ])("rule 10: %s is %s, transient, the network's", (code, ours) => {
    expect(HoldfastError.from(withCode(code))).toMatchObject({
      code: ours,
      kind: "transient",
      fault: "network",
    });
  });

  test("rule 10: unknown errors are transient, and keep their code in small letters", () => {
    expect(HoldfastError.from(withCode("EWEIRD"))).toMatchObject({ code: "eweird", kind: "transient" });
    expect(HoldfastError.from(new Error("no code"))).toMatchObject({ code: "unknown", text: "no code" });
    expect(HoldfastError.from("a string")).toMatchObject({ code: "unknown", text: "a string" });
    expect(HoldfastError.from(new RangeError("odd")).kind).toBe("transient");
  });

  test("rule 10: a programming error in the dialer is fatal", () => {
    expect(HoldfastError.from(new TypeError("x is not a function"))).toMatchObject({
      code: "programming_error",
      kind: "fatal",
      fault: "local",
    });
    expect(kindOf(new ReferenceError("y is not defined"))).toBe("fatal");
    expect(kindOf(withCode("ERR_INVALID_ARG_TYPE"))).toBe("fatal");
    expect(kindOf(withCode("ERR_SOCKET_BAD_PORT"))).toBe("fatal");
  });

  test.each(["fetch failed", "Failed to fetch", "NetworkError when attempting", "Load failed"])(
    "rule 10: %s is the network's, though a TypeError",
    (message) => expect(kindOf(new TypeError(message))).toBe("transient"),
  );

  test("rule 10: a TypeError with a system's code is the system's", () => {
    expect(kindOf(Object.assign(new TypeError("x"), { code: "ECONNREFUSED" }))).toBe("transient");
  });

  test("rule 10: retryable: false is fatal, a retryAfterMs is throttled", () => {
    expect(kindOf({ retryable: false })).toBe("fatal");
    expect(HoldfastError.from({ retryAfterMs: 5, code: "BUSY" })).toMatchObject({
      kind: "throttled",
      fault: "peer",
      code: "busy",
      retryAfterMs: 5,
    });
    for (const retryAfterMs of [-1, NaN, "5", null]) expect(kindOf({ retryAfterMs })).toBe("transient");
  });

  test("rule 10: of the errors of happy eyeballs the first is taken, and all are kept as the cause", () => {
    const all = new AggregateError([withCode("ECONNREFUSED"), withCode("ENETUNREACH")]);
    expect(HoldfastError.from(all)).toMatchObject({ code: "connection_refused", cause: all });
    expect(HoldfastError.from(new AggregateError([], "none")).text).toBe("none");
  });

  test("rule 13: one of ours passes through as it is; others become the cause", () => {
    const ours = new HoldfastError({ code: "x", message: "y" });
    expect(HoldfastError.from(ours)).toBe(ours);
    const theirs = new Error("below");
    expect(HoldfastError.from(theirs).cause).toBe(theirs);
  });
});

describe("rule 10: total, whatever it is given", () => {
  const bomb = (): never => {
    throw new Error("a trap");
  };
  const revoked = (target: object): object => {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
  };
  const circular = new Error("round");
  circular.cause = circular;
  const noErrors = new AggregateError([withCode("EPIPE")]);
  Object.defineProperty(noErrors, "errors", { value: undefined });
  const trap = new Proxy({}, { get: bomb, has: bomb, getPrototypeOf: bomb, ownKeys: bomb });
  const nested = new AggregateError([new AggregateError([trap])]);

  test.each([
    ["null", null],
    ["undefined", undefined],
    ["a symbol", Symbol("s")],
    ["a bigint", 1n],
    ["NaN", NaN],
    ["an empty string", ""],
    ["a function", bomb],
    ["a class", HoldfastError],
    ["a bare object", Object.create(null)],
    ["a revoked proxy", revoked({})],
    ["a revoked proxy of an error", revoked(new Error("x"))],
    ["a revoked proxy of ours", revoked(new HoldfastError({ code: "x", message: "y" }))],
    ["a revoked function", revoked(bomb)],
    ["a proxy that throws at everything", trap],
    ["an aggregate of traps", nested],
    ["an aggregate without errors", noErrors],
    ["a getter that throws", Object.defineProperty(new Error("x"), "code", { get: bomb })],
    ["a message that throws", Object.defineProperty(new Error("x"), "message", { get: bomb })],
    ["a message that is a symbol", Object.assign(new Error("x"), { message: Symbol("m") })],
    ["a toString that throws", { toString: bomb }],
    ["a message that cannot be text", { message: { toString: bomb }, code: "EPIPE" }],
    ["a circular cause", circular],
    ["a code that is no text", { code: { toString: bomb } }],
  ])("rule 10: %s", (_name, thrown) => {
    const error = HoldfastError.from(thrown);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(["fatal", "transient"]).toContain(error.kind);
    expect(typeof error.message).toBe("string");
  });

  test("rule 10: a code is still read when the text cannot be", () => {
    expect(HoldfastError.from({ message: { toString: bomb }, code: "EPIPE" }).code).toBe("connection_reset");
  });

  test("rule 10: any value at all", () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withNullPrototype: true, withObjectString: true, withDate: true }),
        (thrown) => {
          const { kind, code, text } = HoldfastError.from(thrown);
          return (
            ["fatal", "transient", "throttled"].includes(kind) && code !== "" && typeof text === "string"
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
