// `npm run simulate`: runs worlds, replays one, or plants bugs and sees them caught.
//   --seeds N    how many worlds (default 200), from --seed or 1
//   --seed S     one world, with its trace
//   --hours H    virtual hours of each world (default 2)
//   --mutants    plant every bug; with names after it (B1 C3 …) only those
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { simulate, trySeeds, tryScenarios } from "@holdfast/net/testing";
import { huntMutants } from "./simulate/hunt-mutants.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    hours: { type: "string", default: "2" },
    mutants: { type: "boolean", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const hours = whole("--hours", values.hours);
  if (values.mutants) return huntMutants(ROOT, positionals);
  if (values.seed !== undefined && values.seeds === undefined)
    return replay(whole("--seed", values.seed), hours);
  return sweep(whole("--seed", values.seed ?? "1"), whole("--seeds", values.seeds ?? "200"), hours);
}

async function replay(seed: number, hours: number): Promise<number> {
  try {
    const report = await simulate({ seed, hours, trace: (line) => process.stdout.write(`${line}\n`) });
    console.log(JSON.stringify(report));
    return 0;
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown);
    return 1;
  }
}

async function sweep(firstSeed: number, seeds: number, hours: number): Promise<number> {
  const failures = await tryScenarios();
  for (const { by, message } of failures) console.error(`${JSON.stringify(by)} ${message}`);
  const begun = performance.now();
  const total = { hours: 0, steps: 0, lines: 0, dials: 0, links: 0 };
  const caught = await trySeeds({
    firstSeed,
    seeds,
    hours,
    onReport: (report) => {
      total.hours += report.hours;
      total.steps += report.steps;
      total.lines += report.lines;
      total.dials += report.dials;
      total.links += report.links;
    },
  });
  const seconds = (performance.now() - begun) / 1_000;
  const speed = Math.round((total.hours * 3_600) / seconds);
  console.log(
    `seeds ${firstSeed} to ${firstSeed + seeds - 1}: ${total.hours.toFixed(0)} virtual hours in ${seconds.toFixed(1)} s ` +
      `(${speed} times real time), ${total.steps} steps, ${total.lines} lines, ${total.dials} dials, ${total.links} links`,
  );
  if (caught === undefined) return failures.length === 0 ? 0 : 1;
  console.error(
    `${caught.message}\nreplay it: npm run simulate -- --seed ${"seed" in caught.by ? caught.by.seed : ""}`,
  );
  return 1;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`${name} must be a number, not ${text}`);
  process.exit(2);
}
