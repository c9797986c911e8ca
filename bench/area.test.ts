import { expect, test } from "vitest";
import { isWhole, parseOptions, wantedParts } from "./area.ts";

test("nine rounds of everything is a whole run, anything less is not", () => {
  expect(parseOptions([])).toEqual({
    quick: false,
    only: undefined,
    pairs: 9,
    ways: undefined,
    transfers: undefined,
  });
  const less = [["--quick"], ["--pairs", "8"], ["--only", "bulk"], ["--ways", "bore"]];
  expect([[], ["--pairs", "12"], ...less].map((words) => isWhole(parseOptions(words)))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("an area runs those of its parts that are asked for, in its own order", () => {
  expect(wantedParts(["bulk", "split"], parseOptions(["--only", "idle,split,bulk"]))).toEqual([
    "bulk",
    "split",
  ]);
  expect(wantedParts(["bulk", "split"], parseOptions(["--quick"]))).toEqual(["bulk", "split"]);
});

test("what is no option, or no number, is refused", () => {
  for (const words of [
    ["--fast"],
    ["--pairs", "0"],
    ["--pairs", "two"],
    ["--transfers", "1.5"],
    ["--pairs"],
  ]) {
    expect(() => parseOptions(words)).toThrow(/not an option|not a number/);
  }
});
