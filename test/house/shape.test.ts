// Rule 8 and the naming rules: small files, named after the one thing inside, that begin by saying what they are.
import { describe, expect, it } from "vitest";
import { packageSources, repositoryFiles, textOf } from "./files.ts";

const MOST_LINES = 500;
const MEDIAN_LINES = 140;
const BANNED = /(^|[-_.])(utils?|common|shared|helpers?|misc)([-_.]|$)/i;

const code = repositoryFiles().filter((path) => path.endsWith(".ts") && !path.endsWith(".gen.ts"));
const lines = (path: string): number => textOf(path).split("\n").length;

describe("rule 8: the shape of the sources", () => {
  it(`keeps every file within ${MOST_LINES} lines`, () => {
    expect(code.filter((path) => lines(path) > MOST_LINES)).toEqual([]);
  });

  it(`keeps the median file of the packages within ${MEDIAN_LINES} lines`, () => {
    const sizes = packageSources().map(({ path }) => lines(path));
    const median = sizes.sort((a, b) => a - b)[Math.floor(sizes.length / 2)];
    expect(median).toBeLessThanOrEqual(MEDIAN_LINES);
  });

  it("names files in kebab-case", () => {
    const names = code.map((path) => path.split("/").at(-1) ?? "");
    expect(
      names.filter(
        (name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d|peers|browser|gen))*\.ts$/.test(name),
      ),
    ).toEqual([]);
  });

  it("calls nothing utils, common, shared or helpers", () => {
    const parts = repositoryFiles().flatMap((path) => path.split("/").map((part) => ({ path, part })));
    expect(parts.filter(({ part }) => BANNED.test(part)).map(({ path }) => path)).toEqual([]);
  });

  it("begins each source with a sentence that says what it is for", () => {
    const silent = packageSources().filter(({ text }) => !/^(#!.*\n)?\/[/*]/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });
});
