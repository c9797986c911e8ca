// Rule 4: what is public is written down name by name; everything else is closed.
import { describe, expect, it } from "vitest";
import { packageSources, repositoryFiles, textOf } from "./files.ts";

type Exports = Record<string, string | Record<string, string>>;

const packageFiles = repositoryFiles().filter((path) => /^packages\/[^/]+\/package\.json$/.test(path));

describe("rule 4: public names", () => {
  it("re-exports nothing wholesale", () => {
    const wholesale = packageSources().filter(({ text }) => /^export \*/m.test(text));
    expect(wholesale.map(({ path }) => path)).toEqual([]);
  });

  it.each(packageFiles)("%s exports a closed list of entries", (path) => {
    const { exports } = JSON.parse(textOf(path)) as { exports: Exports };
    expect(Object.keys(exports).length).toBeGreaterThan(0);
    for (const [entry, target] of Object.entries(exports)) {
      expect(entry).not.toContain("*");
      if (typeof target === "string") continue;
      expect(Object.keys(target)).toEqual(["@holdfast/source", "types", "default"]);
      expect(target["@holdfast/source"]).toMatch(/^\.\/src\/([a-z-]+\/)?index\.ts$/);
    }
  });
});
