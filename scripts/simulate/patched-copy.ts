// A copy of the engine's source outside the repository, with a bug in it, compiled. The original has no switches.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Edit, Mutant } from "./mutant.ts";

const run = promisify(execFile);

const COMPILER_OPTIONS = {
  target: "es2023",
  lib: ["es2023", "esnext.disposable", "dom"],
  module: "nodenext",
  types: [],
  noCheck: true,
  skipLibCheck: true,
  rewriteRelativeImportExtensions: true,
  // Not by way of node_modules: what is found there is taken for a library, and not always compiled.
  paths: {
    "@holdfast/core": ["./core/src/index.ts"],
    "@holdfast/core/testing": ["./core/src/testing/index.ts"],
  },
};

/** Copy the source that `snapshot` took into `folder`, with the bug if there is one. Returns the file to run. */
export async function patchedCopy(
  root: string,
  snapshotFolder: string,
  folder: string,
  mutant: Mutant | undefined,
  entry: string,
): Promise<string> {
  cpSync(snapshotFolder, folder, { recursive: true });
  for (const edit of editsOf(mutant)) apply(folder, edit, mutant?.id ?? "");
  const config = {
    compilerOptions: { ...COMPILER_OPTIONS, rootDir: "." },
    files: [entry],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  // Not the blocking call: another copy is hunted meanwhile, on another core.
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
  linkPackages(folder);
  return join(folder, entry.replace(/\.ts$/, ".js"));
}

/** See that every edit fits the source. */
export function checkEdits(folder: string, mutant: Mutant): void {
  for (const edit of editsOf(mutant))
    countOnce(readFileSync(join(folder, edit.file), "utf8"), edit, mutant.id);
}

function editsOf(mutant: Mutant | undefined): readonly Edit[] {
  return mutant === undefined ? [] : [mutant, ...(mutant.also ?? [])];
}

/** Take the source as it is now, so that every bug is planted in the same one, whoever edits meanwhile. */
export function snapshot(root: string, folder: string): void {
  for (const name of ["core", "net"]) {
    const from = join(root, "packages", name, "src");
    const skipped = [join(from, "node"), join(from, "browser"), join(from, "compliance")];
    cpSync(from, join(folder, name, "src"), {
      recursive: true,
      filter: (path) => !path.endsWith(".test.ts") && !skipped.includes(path),
    });
    const exported = (path: string): string => `./${path}.js`;
    const exports = { ".": exported("src/index"), "./testing": exported("src/testing/index") };
    writeFileSync(
      join(folder, name, "package.json"),
      JSON.stringify({ name: `@holdfast/${name}`, type: "module", exports }),
    );
  }
}

function linkPackages(folder: string): void {
  mkdirSync(join(folder, "node_modules/@holdfast"), { recursive: true });
  for (const name of ["core", "net"]) {
    symlinkSync(join(folder, name), join(folder, "node_modules/@holdfast", name));
  }
}

function apply(folder: string, edit: Edit, id: string): void {
  const path = join(folder, edit.file);
  const text = readFileSync(path, "utf8");
  countOnce(text, edit, id);
  writeFileSync(
    path,
    text.replace(edit.find, () => edit.replace),
  );
}

function countOnce(text: string, { file, find }: Edit, id: string): void {
  const count = text.split(find).length - 1;
  if (count === 1) return;
  throw new Error(`${id}: its text occurs ${count} times in packages/${file}, not once:\n${find}`);
}
