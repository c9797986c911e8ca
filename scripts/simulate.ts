// `npm run simulate`: runs worlds, replays one, or plants bugs and sees them caught.
//   --seeds N    how many worlds of each kind (default 200), from --seed or 1
//   --only KIND  engine (lines that come back) or session (bytes that are not lost); default both
//   --seed S     one world of the kind that --only names, with its trace
//   --hours H    virtual hours of each of the engine's worlds (default 2)
//   --mutants    plant every bug; with names after it (B1 S3 …) only those
//   --write      with --mutants: write docs/mutants.md
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { simulateSession, trySessionCases } from "@holdfast/core/testing";
import { simulate, tryScenarios } from "@holdfast/net/testing";
import { huntMutants } from "./simulate/hunt-mutants.ts";
import { sweep, type WorldKind } from "./simulate/sweep.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KINDS: readonly WorldKind[] = ["engine", "session"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    hours: { type: "string", default: "2" },
    mutants: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const hours = whole("--hours", values.hours);
  const kinds = kindsOf(values.only);
  if (values.mutants) return huntMutants(ROOT, { only: positionals, kinds, write: values.write });
  if (values.seed !== undefined && values.seeds === undefined)
    return replay(whole("--seed", values.seed), kinds, hours);
  let code = 0;
  for (const kind of kinds) {
    const task = {
      kind,
      firstSeed: whole("--seed", values.seed ?? "1"),
      seeds: whole("--seeds", values.seeds ?? "200"),
      hours,
    };
    code = Math.max(code, await tryCases(kind), await runSweep(task));
  }
  return code;
}

async function replay(seed: number, kinds: readonly WorldKind[], hours: number): Promise<number> {
  const trace = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    for (const kind of kinds) {
      const report =
        kind === "engine" ? await simulate({ seed, hours, trace }) : simulateSession({ seed, trace });
      console.log(JSON.stringify(report));
    }
    return 0;
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown);
    return 1;
  }
}

/** The directed cases: no seed finds them. */
async function tryCases(kind: WorldKind): Promise<number> {
  const failures = kind === "engine" ? await tryScenarios() : trySessionCases();
  for (const { by, message } of failures) console.error(`${JSON.stringify(by)} ${message}`);
  return failures.length === 0 ? 0 : 1;
}

async function runSweep(task: Parameters<typeof sweep>[0]): Promise<number> {
  const { kind, firstSeed, seeds } = task;
  const { totals, caught, seconds, workers } = await sweep(task);
  const hours = totals["hours"] ?? 0;
  const speed = Math.round((hours * 3_600) / (seconds * workers));
  const facts = Object.entries(totals).flatMap(([name, value]) =>
    name === "hours" ? [] : [`${value} ${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`],
  );
  console.log(
    `${kind}, seeds ${firstSeed} to ${firstSeed + seeds - 1}: ${hours.toFixed(0)} virtual hours in ${seconds.toFixed(1)} s ` +
      `on ${workers} cores (${speed} times real time on each), ${facts.join(", ")}`,
  );
  if (caught === undefined) return 0;
  console.error(`${caught.message}\nreplay it: npm run simulate -- --only ${kind} --seed ${caught.seed}`);
  return 1;
}

function kindsOf(only: string | undefined): readonly WorldKind[] {
  const kinds = KINDS.filter((kind) => only === undefined || kind === only);
  if (kinds.length > 0) return kinds;
  console.error(`--only must be ${KINDS.join(" or ")}, not ${only}`);
  process.exit(2);
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`${name} must be a number, not ${text}`);
  process.exit(2);
}
