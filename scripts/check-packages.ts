// Packs every package as npm would publish it, and has publint and attw look at the tarball.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = process.cwd();
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

/** The command is run, not imported: it has no types for attw to look at. */
const WITHOUT_TYPES = new Set(["cli"]);

function check(name: string, command: string, args: readonly string[]): boolean {
  const { status, stdout, stderr } = spawnSync(bin(command), args, { cwd: root, encoding: "utf8" });
  if (status !== 0) console.log(`FAIL  ${command} on ${name}\n${stdout}${stderr}`);
  return status === 0;
}

function main(): number {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pack-"));
  let failures = 0;
  try {
    for (const name of readdirSync(join(root, "packages"))) {
      const packed = execFileSync(
        "npm",
        [
          "pack",
          "--json",
          "--ignore-scripts",
          "--pack-destination",
          folder,
          "--workspace",
          `packages/${name}`,
        ],
        { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
      );
      const [{ filename, size, entryCount } = { filename: "", size: 0, entryCount: 0 }] = JSON.parse(
        packed,
      ) as {
        filename: string;
        size: number;
        entryCount: number;
      }[];
      const tarball = join(folder, filename);
      const lint = check(name, "publint", ["run", tarball, "--strict"]);
      const types = WITHOUT_TYPES.has(name) || check(name, "attw", [tarball, "--profile", "esm-only"]);
      if (!lint || !types) failures += 1;
      console.log(
        `${lint && types ? "ok  " : "FAIL"}  ${name}: ${entryCount} files, ${(size / 1_000).toFixed(0)} kB packed`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return failures === 0 ? 0 : 1;
}

process.exitCode = main();
