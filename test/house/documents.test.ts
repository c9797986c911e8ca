// The documents speak of the product alone, and their links lead somewhere.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryFiles, root, textOf } from "./files.ts";

const STANDING = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "LICENSE",
  "docs/ARCHITECTURE.md",
  "docs/PROTOCOL.md",
  "docs/TESTING.md",
  "docs/cli.md",
  "docs/json.md",
  "docs/states.md",
];
// Written in pieces so that this file does not find itself.
const FOREIGN = new RegExp(
  ["/wo" + "rk/", "/fa" + "rm/", "registry\\.np" + "mjs", "deb\\.deb" + "ian\\.org"].join("|"),
);

const tracked = repositoryFiles().filter((path) => path !== "package-lock.json");
const markdown = tracked.filter((path) => path.endsWith(".md"));

describe("documents", () => {
  it.each(STANDING)("%s exists", (path) => {
    expect(existsSync(join(root, path))).toBe(true);
  });

  it("name no machine and no registry", () => {
    const text = tracked.filter((path) => /\.(md|ts|js|mjs|json|sh|yml|toml|lock)$|^\.ci\/run$/.test(path));
    expect(text.filter((path) => FOREIGN.test(textOf(path)))).toEqual([]);
  });

  it.each(markdown)("%s links to files that exist", (path) => {
    const links = [...textOf(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(
      (match) => match[1] ?? "",
    );
    expect(links.filter((link) => !existsSync(join(root, dirname(path), link)))).toEqual([]);
  });

  it("never send a reader to a package that is not published", () => {
    const bare = markdown.filter((path) => /npm (i|install) (-g )?holdfast\b/.test(textOf(path)));
    expect(bare).toEqual([]);
  });
});
