import fc from "fast-check";
import { expect, test } from "vitest";
import { randomPorts } from "./random-ports.ts";

test("every port of the range comes exactly once, whatever the random numbers", () => {
  const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 65_000 }),
      fc.integer({ min: 1, max: 500 }),
      unit,
      unit,
      (least, count, a, b) => {
        const draws = [a, b];
        const ports = [...randomPorts([least, least + count - 1], () => draws.shift() ?? 0)];
        expect(ports).toHaveLength(count);
        expect(new Set(ports).size).toBe(count);
        expect(Math.min(...ports)).toBe(least);
        expect(Math.max(...ports)).toBe(least + count - 1);
      },
    ),
  );
});

test("the full range too", () => {
  expect(new Set(randomPorts([1_024, 65_535], Math.random)).size).toBe(64_512);
});
