// Plants every bug in turn and sees whether the simulation catches it. The engine without a bug must pass.
import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HunterLine } from "./hunter.ts";
import type { Mutant } from "./mutant.ts";
import { moreMutants } from "./more-mutants.ts";
import { mutants } from "./mutants.ts";
import { checkEdits, patchedCopy, snapshot } from "./patched-copy.ts";

/** A bug that nothing has seen in so many worlds has survived. */
const SEEDS = 40;
/** A world that takes this long does not end. */
const PATIENCE_MS = 20_000;
const HUNTER = fileURLToPath(new URL("./hunter.js", import.meta.url));

interface Result {
  readonly mutant: Mutant | undefined;
  readonly caughtBy: readonly string[];
}

/** Returns the exit code: 1 if a bug survives or the engine itself fails. */
export async function huntMutants(root: string, only: readonly string[]): Promise<number> {
  const all = [...mutants, ...moreMutants].filter(({ id }) => only.length === 0 || only.includes(id));
  const source = temporary();
  snapshot(root, source);
  for (const mutant of all) checkEdits(source, mutant);
  const queue: (Mutant | undefined)[] = [undefined, ...all];
  const results: Result[] = [];
  const work = async (): Promise<void> => {
    while (queue.length > 0) results.push(await hunt(root, source, queue.shift()));
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  rmSync(source, { recursive: true, force: true });
  for (const result of [...results].sort(inOrder(all))) printRow(result);
  const survivors = results.filter(
    ({ mutant, caughtBy }) => (mutant === undefined) !== (caughtBy.length === 0),
  );
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
  console.log(`\n${all.length} bugs planted, ${survivors.length} wrong, ${seconds} s`);
  return survivors.length === 0 ? 0 : 1;
}

async function hunt(root: string, source: string, mutant: Mutant | undefined): Promise<Result> {
  const folder = temporary();
  try {
    const entry = patchedCopy(root, source, folder, mutant);
    return { mutant, caughtBy: await watch(entry) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function temporary(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "holdfast-mutant-")));
}

/** Run one copy; a hunter that hangs or dies has caught something too. */
function watch(entry: string): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [HUNTER, entry, String(SEEDS)], {
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

function inOrder(all: readonly Mutant[]): (a: Result, b: Result) => number {
  const place = ({ mutant }: Result): number => (mutant === undefined ? -1 : all.indexOf(mutant));
  return (a, b) => place(a) - place(b);
}

function printRow({ mutant, caughtBy }: Result): void {
  const what = mutant === undefined ? "the engine as it is" : `${mutant.id.padEnd(5)} ${mutant.name}`;
  const verdict =
    caughtBy.length === 0 ? (mutant === undefined ? "passes" : "SURVIVES") : caughtBy.join("; ");
  console.log(`${what.padEnd(68)} ${verdict}`);
}
