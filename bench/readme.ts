// The tables of README.md: each area has a place of its own there, and rewrites it whole.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Beside the sources, wherever this was compiled to. */
const README = join(import.meta.dirname, "..", "README.md");

export function writeSection(area: string, text: string): void {
  const [begin, end] = [`<!-- ${area}:begin -->`, `<!-- ${area}:end -->`];
  const readme = readFileSync(README, "utf8");
  const [before, rest] = readme.split(begin);
  if (before === undefined || rest === undefined) throw new Error(`${README} has no ${begin}`);
  writeFileSync(README, `${before}${begin}\n\n${text}\n\n${end}${rest.split(end)[1] ?? ""}`);
}
