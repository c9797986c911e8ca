// docs/mutants.md is written by a run that takes many minutes; here is what can be checked at once: that it names every
// bug that is planted, and none that is not, and that each is said to have been caught.
import { describe, expect, it } from "vitest";
import { mutantLists } from "../../scripts/simulate/mutant-lists.ts";
import { expectedRows, MUTANTS_PAGE } from "../../scripts/simulate/mutants-page.ts";
import { textOf } from "./files.ts";

const rows = textOf(MUTANTS_PAGE)
  .split("\n")
  .filter((line) => /^\| [A-Z]\d+[a-z]? /.test(line));

describe("the page of planted bugs", () => {
  it("names the bugs that are planted (else: npm run simulate -- --mutants --write)", () => {
    expect(
      rows.map(
        (row) =>
          row
            .split(/(?<!\\)\|/)
            .slice(0, 3)
            .join("|") + "|",
      ),
    ).toEqual(expectedRows());
  });

  it("says of each what caught it", () => {
    const open = rows.filter((row) => /\| (not hunted yet)? *\|$/.test(row));
    expect(open).toEqual([]);
  });

  it("finds the place of each bug exactly once", () => {
    const lost = mutantLists.flatMap(({ mutants }) =>
      mutants.flatMap((mutant) =>
        [mutant, ...(mutant.also ?? [])]
          .filter(({ file, find }) => textOf(`packages/${file}`).split(find).length !== 2)
          .map(({ file }) => `${mutant.id} in ${file}`),
      ),
    );
    expect(lost).toEqual([]);
  });

  it("gives each bug an id of its own", () => {
    const ids = mutantLists.flatMap(({ mutants }) => mutants.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
