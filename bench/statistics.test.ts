import { expect, test } from "vitest";
import { lowerBound, median, quantile } from "./statistics.ts";

test("the median and quantiles interpolate", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  expect(median([])).toBeNaN();
});

test("the lower 90 % bound of the median is an order statistic", () => {
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => n - i);
  // P(Bin(9, 1/2) <= 2) = 0.090 and P(Bin(9, 1/2) <= 3) = 0.254: the third least.
  expect([3, 4, 5, 8, 9, 10, 15].map((n) => lowerBound(upTo(n)))).toEqual([undefined, 1, 1, 2, 3, 3, 5]);
});
