// docs/mutants.md: which bugs are planted, and what has caught each.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HuntResult } from "./hunt-mutants.ts";
import { mutantLists } from "./mutant-lists.ts";

export const MUTANTS_PAGE = "docs/mutants.md";

const HEAD = `# Planted bugs

Each of these is planted in a copy of the sources by \`npm run simulate -- --mutants\` (\`--only engine\` or \`session\`; ids name single ones), and the simulation has to catch it. The shipped code has no switch for any of them. This page is written by \`--mutants --write\`; the last column says what caught it first then: a directed case in quotes, or a seed.
`;

const TITLES = { engine: "Lines that come back", session: "Sessions: not a byte lost" } as const;

/** What is on the page for each bug: its id and its name, as the sources have them. */
export function expectedRows(): readonly string[] {
  return mutantLists.flatMap(({ mutants }) => mutants.map(({ id, name }) => `| ${id} | ${cell(name)} |`));
}

/** Lists that were not hunted this time keep what the page said. */
export function writeMutantsPage(root: string, results: readonly HuntResult[]): void {
  const path = join(root, MUTANTS_PAGE);
  const before = rowsOf(path);
  const parts = mutantLists.map(({ kind, mutants }) => {
    const rows = mutants.map(({ id, name }) => {
      const result = results.find(({ mutant }) => mutant?.id === id);
      const caughtBy =
        result === undefined ? (before.get(id) ?? "not hunted yet") : cell(result.caughtBy.join("; "));
      return `| ${id} | ${cell(name)} | ${caughtBy} |`;
    });
    return `## ${TITLES[kind]}\n\n| id | planted bug | caught by |\n|---|---|---|\n${rows.join("\n")}\n`;
  });
  writeFileSync(path, `${HEAD}\n${parts.join("\n")}`);
}

function rowsOf(path: string): Map<string, string> {
  const rows = new Map<string, string>();
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // There is none yet.
  }
  for (const line of text.split("\n")) {
    const [, id, , caughtBy] = line.split(/\s*(?<!\\)\|\s*/);
    if (id !== undefined && caughtBy !== undefined && /^[A-Z]\d+[a-z]?$/.test(id)) rows.set(id, caughtBy);
  }
  return rows;
}

/** Short enough for a table, and nothing in it that ends a cell. */
function cell(text: string): string {
  const short = text.length > 160 ? `${text.slice(0, 159)}…` : text;
  return short.replaceAll("|", "\\|").replaceAll("\n", " ");
}
