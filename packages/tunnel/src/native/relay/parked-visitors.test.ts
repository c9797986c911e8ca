import { Socket } from "node:net";
import { expect, test } from "vitest";
import { ParkedVisitors, type Visitor } from "./parked-visitors.ts";

const LIMITS = { parked: 100, parkedPerTarget: 2, parkedMs: 1_000 };

function visitor(port: number, arrival: number): Visitor {
  return { port, arrival, socket: new Socket() };
}

test("who came first is first, whichever port it came to", () => {
  const parked = new ParkedVisitors(LIMITS);
  const [a, b, c] = [visitor(1, 3), visitor(2, 1), visitor(2, 2)];
  for (const one of [b, c, a]) expect(parked.park(one, 0)).toBe(true);
  expect(parked.first([1, 2])).toBe(b);
  expect(parked.first([1])).toBe(a);
  expect(parked.first([3])).toBeUndefined();
  parked.leave(b);
  expect(parked.first([1, 2])).toBe(c);
  expect([parked.size, parked.count(1), parked.count(2)]).toEqual([2, 1, 1]);
});

test("each port has room for so many, and each visitor so much time", () => {
  const parked = new ParkedVisitors(LIMITS);
  const all = [visitor(1, 1), visitor(1, 2), visitor(1, 3), visitor(2, 4)];
  expect(all.map((one, at) => parked.park(one, at * 100))).toEqual([true, true, false, true]);
  expect(parked.expire(999)).toEqual([]);
  expect(parked.expire(1_100)).toEqual([all[0], all[1]]);
  expect(parked.clear(1)).toEqual([]);
  expect(parked.clear()).toEqual([all[3]]);
  expect(parked.size).toBe(0);
});

test("all ports together have room for so many", () => {
  const parked = new ParkedVisitors({ ...LIMITS, parked: 3 });
  const all = [1, 2, 3, 4].map((port) => visitor(port, port));
  expect(all.map((one) => parked.park(one, 0))).toEqual([true, true, true, false]);
  parked.leave(all[0]!);
  expect(parked.park(all[3]!, 0)).toBe(true);
});

test("one that hangs up leaves its place to another", async () => {
  const parked = new ParkedVisitors(LIMITS);
  const [a, b, c] = [visitor(1, 1), visitor(1, 2), visitor(1, 3)];
  parked.park(a, 0);
  parked.park(b, 0);
  const closed = new Promise((resolve) => a.socket.once("close", resolve));
  a.socket.destroy();
  await closed;
  expect(parked.park(c, 0)).toBe(true);
  expect(parked.first([1])).toBe(b);
});
