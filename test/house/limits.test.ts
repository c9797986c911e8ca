// Rule 6: whatever collects things says what bounds it. A field that holds a map, a set or a list carries a
// comment with the words `at most`, `one for each`, `bounded` or `limit`. The kits for tests are exempt.
import { describe, expect, it } from "vitest";
import { packageSources } from "./files.ts";

const COLLECTION = /^\s+(?:private )?(?:readonly )?#?\w+(?:: [^=]+)? = (?:new (?:Map|Set|WeakMap)\b|\[\])/;
const BOUND = /at most|one (?:for|per) each|one each|bounded|limit|never more than/i;

/** The comment right above a line. */
function commentAbove(all: readonly string[], index: number): string {
  const above: string[] = [];
  for (let i = index - 1; i >= 0 && /^\s*(\/\/|\/\*|\*)/.test(all[i] ?? ""); i--) above.unshift(all[i] ?? "");
  return above.join(" ");
}

describe("rule 6: limits", () => {
  it("says of every field that collects what bounds it", () => {
    const products = packageSources().filter(({ path }) => !/\/(testing|compliance)\//.test(path));
    const unbounded = products.flatMap(({ path, text }) => {
      const all = text.split("\n");
      return all.flatMap((line, index) => {
        const field =
          COLLECTION.test(line) && /^\s{2}\S/.test(line) && !/^\s*(const|let|return)\b/.test(line);
        return field && !BOUND.test(commentAbove(all, index)) ? [`${path}:${index + 1}`] : [];
      });
    });
    expect(unbounded).toEqual([]);
  });
});
