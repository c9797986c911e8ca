// The repository's own files, as the house tests see them: what git tracks or would track, as text.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root: string = process.cwd();

/** Paths from the root, of files that exist and that git does not ignore. */
export function repositoryFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  return [...new Set(listed.split("\n"))].filter((path) => path !== "" && existsSync(join(root, path)));
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

export interface SourceFile {
  readonly path: string;
  /** The folder below `packages`. */
  readonly packageName: string;
  readonly text: string;
}

/** The sources of the packages, tests and generated code left out. */
export function packageSources(): SourceFile[] {
  return repositoryFiles()
    .filter((path) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !/\.(test|gen)\.ts$/.test(path))
    .map((path) => ({ path, packageName: path.split("/")[1] ?? "", text: textOf(path) }));
}

/** The module names that a source imports or re-exports, dynamic imports included. */
export function importsOf(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)["']([^"']+)["']/gm);
  return [...found].map((match) => match[1] ?? "");
}
