// Rule 2: arrows between packages point one way, in the sources and in the package files alike.
import { describe, expect, it } from "vitest";
import { importsOf, packageSources, repositoryFiles, textOf } from "./files.ts";

/** What each package may import of the others. A package that is not listed here does not exist. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  net: ["core"],
  trust: ["core"],
  control: ["core", "net", "trust"],
  tunnel: ["core", "net", "trust", "control"],
  remote: ["core", "net", "trust", "control"],
  cli: ["core", "net", "trust", "control", "tunnel", "remote"],
};

interface PackageFile {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
}

const sources = packageSources();
const packages = repositoryFiles()
  .map((path) => /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1])
  .filter((name) => name !== undefined);

describe("rule 2: dependencies", () => {
  it("knows every package", () => {
    expect([...packages].sort()).toEqual(Object.keys(ALLOWED).sort());
  });

  it.each(packages)("%s imports only what is left of it", (name) => {
    const wrong = sources
      .filter((source) => source.packageName === name)
      .flatMap((source) => importsOf(source.text).map((module) => ({ path: source.path, module })))
      .filter(({ module }) => module.startsWith("@holdfast/"))
      .filter(({ module }) => !ALLOWED[name]?.includes(module.split("/")[1] ?? ""));
    expect(wrong).toEqual([]);
  });

  it.each(packages)("%s declares what it imports, and no sibling to the right", (name) => {
    const file = JSON.parse(textOf(`packages/${name}/package.json`)) as PackageFile;
    const siblings = Object.keys(file.dependencies ?? {}).filter((module) => module.startsWith("@holdfast/"));
    expect(siblings.filter((module) => !ALLOWED[name]?.includes(module.slice("@holdfast/".length)))).toEqual(
      [],
    );
  });

  it("locks the builds for every platform, or `npm ci` would refuse (mended by `npm run lock`)", () => {
    const { packages: locked } = JSON.parse(textOf("package-lock.json")) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const wanted = Object.values(locked).flatMap(({ optionalDependencies = {} }) =>
      Object.entries(optionalDependencies).filter(([, version]) => /^\d+\.\d+\.\d+$/.test(version)),
    );
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.filter(([name]) => !(`node_modules/${name}` in locked))).toEqual([]);
  });

  it("pins every dependency exactly", () => {
    const loose = ["package.json", ...packages.map((name) => `packages/${name}/package.json`)].flatMap(
      (path) => {
        const file = JSON.parse(textOf(path)) as PackageFile & { devDependencies?: Record<string, string> };
        const all = { ...file.dependencies, ...file.devDependencies };
        return Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
      },
    );
    expect(loose).toEqual([]);
  });
});
