import { HoldfastError } from "@holdfast/core";
import { describe, expect, test } from "vitest";
import { gotPort, KEEP_PORT_MS, lostPort, mustForget, nextPort, type WantedPort } from "./wanted-port.ts";

const any: WantedPort = { asked: 0, held: undefined, lostAt: undefined };
const fixed: WantedPort = { ...any, asked: 8_080 };

describe("which port is asked for", () => {
  test("a fixed one for ever", () => {
    const lost = lostPort(gotPort(fixed, 8_080), 0);
    expect([fixed, lost].map((wanted) => nextPort(wanted, 10 * KEEP_PORT_MS))).toEqual([8_080, 8_080]);
  });

  test("the one that was given, for five minutes after its loss, then any", () => {
    expect(nextPort(any, 0)).toBe(0);
    const held = gotPort(any, 9_114);
    expect(nextPort(held, 10 * KEEP_PORT_MS)).toBe(9_114);
    const lost = lostPort(held, 1_000);
    expect(nextPort(lost, 1_000 + KEEP_PORT_MS - 1)).toBe(9_114);
    expect(nextPort(lost, 1_000 + KEEP_PORT_MS)).toBe(0);
  });

  test("the five minutes run from the first loss and begin anew with each link", () => {
    const lost = lostPort(lostPort(gotPort(any, 9_114), 1_000), 200_000);
    expect(lost.lostAt).toBe(1_000);
    const again = lostPort(gotPort(lost, 9_115), 400_000);
    expect(nextPort(again, 400_000 + KEEP_PORT_MS - 1)).toBe(9_115);
  });

  test("a given port that the relay refuses for good is forgotten, a fixed one is not", () => {
    const refusal = new HoldfastError({ code: "port_not_allowed", message: "no", kind: "fatal" });
    expect(mustForget(gotPort(any, 9_114), refusal)).toBe(true);
    expect(mustForget(any, refusal)).toBe(false);
    expect(mustForget(gotPort(fixed, 8_080), refusal)).toBe(false);
    const taken = new HoldfastError({ code: "port_in_use", message: "no" });
    expect(mustForget(gotPort(any, 9_114), taken)).toBe(false);
  });
});
