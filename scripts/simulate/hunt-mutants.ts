// Plants every bug in turn and sees whether the simulation catches it. The engine without a bug must pass.
import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HunterLine } from "./hunter.ts";
import type { Mutant, MutantList } from "./mutant.ts";
import { mutantLists } from "./mutant-lists.ts";
import { checkEdits, patchedCopy, snapshot } from "./patched-copy.ts";
import { writeMutantsPage } from "./mutants-page.ts";

/** A world that takes this long does not end: the largest take a second, and few on a machine that is busy otherwise. */
const PATIENCE_MS = 60_000;
const HUNTER = fileURLToPath(new URL("./hunter.js", import.meta.url));

export interface HuntMutantsOptions {
  /** The bugs of these ids, or all. */
  readonly only: readonly string[];
  readonly kinds: readonly MutantList["kind"][];
  /** Write docs/mutants.md. */
  readonly write: boolean;
}

interface Prey {
  readonly list: MutantList;
  /** Absent: the sources as they are, which must pass. */
  readonly mutant: Mutant | undefined;
}

export interface HuntResult extends Prey {
  readonly caughtBy: readonly string[];
}

/** Returns the exit code: 1 if a bug survives or the sources themselves fail. */
export async function huntMutants(root: string, options: HuntMutantsOptions): Promise<number> {
  const source = temporary();
  snapshot(root, source);
  const all = preyOf(options);
  for (const { mutant } of all) if (mutant !== undefined) checkEdits(source, mutant);
  const queue = [...all];
  const results: HuntResult[] = [];
  const work = async (): Promise<void> => {
    for (let prey = queue.shift(); prey !== undefined; prey = queue.shift()) {
      const result = { ...prey, caughtBy: await hunt(root, source, prey) };
      printRow(result);
      results.push(result);
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  rmSync(source, { recursive: true, force: true });
  const wrong = results.filter(({ mutant, caughtBy }) => (mutant === undefined) !== (caughtBy.length === 0));
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
  const planted = all.filter(({ mutant }) => mutant !== undefined).length;
  console.log(`\n${planted} bugs planted, ${wrong.length} wrong, ${seconds} s`);
  if (options.write && wrong.length === 0) writeMutantsPage(root, results);
  return wrong.length === 0 ? 0 : 1;
}

function preyOf({ only, kinds }: HuntMutantsOptions): readonly Prey[] {
  return mutantLists
    .filter(({ kind }) => kinds.includes(kind))
    .map((list) => ({
      list,
      chosen: list.mutants.filter(({ id }) => only.length === 0 || only.includes(id)),
    }))
    .filter(({ chosen }) => chosen.length > 0)
    .flatMap(({ list, chosen }) => [undefined, ...chosen].map((mutant) => ({ list, mutant })));
}

async function hunt(root: string, source: string, { list, mutant }: Prey): Promise<readonly string[]> {
  const folder = temporary();
  try {
    return await watch(await patchedCopy(root, source, folder, mutant, list.entry), list.seeds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function temporary(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "holdfast-mutant-")));
}

/** Run one copy; a hunter that hangs or dies has caught something too. */
function watch(entry: string, seeds: number): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [HUNTER, entry, String(seeds)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const clock = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    const text: string[] = [];
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text.push(chunk.toString());
      clock.refresh();
    });
    child.stderr.on(
      "data",
      (chunk: Buffer) => (complaint = complaint || (/\w*Error.*/.exec(chunk.toString())?.[0] ?? "")),
    );
    child.on("close", (code, signal) => {
      clearTimeout(clock);
      resolve(
        read(text.join(""), signal === null ? `exit code ${String(code)}, ${complaint}` : "it never ended"),
      );
    });
  });
}

function read(text: string, otherwise: string): readonly string[] {
  let last = "the start";
  for (const line of text.split("\n").filter((part) => part !== "")) {
    const parsed = JSON.parse(line) as HunterLine;
    if (parsed.type === "begins") last = parsed.what;
    else
      return [parsed.seed, ...parsed.scenarios].flatMap((caught) =>
        caught === undefined ? [] : [nameOf(caught)],
      );
  }
  return [`${last}: ${otherwise}`];
}

function nameOf({ by, invariant, message }: { by: object; invariant: string; message: string }): string {
  if ("seed" in by) return `seed ${String(by.seed)}: ${message.replace(/ \(seed .*\)$/, "")}`;
  return `"${"scenario" in by ? String(by.scenario) : ""}": ${invariant}`;
}

function printRow({ list, mutant, caughtBy }: HuntResult): void {
  const what =
    mutant === undefined ? `${list.kind}: the sources as they are` : `${mutant.id.padEnd(5)} ${mutant.name}`;
  const verdict =
    caughtBy.length === 0 ? (mutant === undefined ? "passes" : "SURVIVES") : caughtBy.join("; ");
  console.log(`${what.padEnd(68)} ${verdict}`);
}
