import { expect, test } from "vitest";
import { ExpiryQueue } from "./expiry.ts";

test("things leave in the order in which they came, when their time is over", () => {
  const queue = new ExpiryQueue<string>(100);
  queue.add("a", 0);
  queue.add("b", 50);
  queue.add("c", 60);
  expect(queue.delete("b")).toBe(true);
  expect(queue.expire(99)).toEqual([]);
  expect(queue.expire(100)).toEqual(["a"]);
  queue.add("c", 110);
  expect(queue.expire(160)).toEqual([]);
  expect(queue.expire(210)).toEqual(["c"]);
  expect(queue.size).toBe(0);
});

test("clearing gives back what was there", () => {
  const queue = new ExpiryQueue<string>(100);
  queue.add("a", 0);
  expect(queue.clear()).toEqual(["a"]);
  expect(queue.size).toBe(0);
});
