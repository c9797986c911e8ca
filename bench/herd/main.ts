// `npm run bench -- herd [--quick]`: how a whole herd comes back. Writes README.md and herd.svg beside its source;
// with `--quick` it runs one seed, leaves the other libraries out and writes nothing. Exit 1 if the default policy
// misses a figure that the design promises.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { seededRandom } from "@holdfast/core/testing";
import { parseOptions, type Options, type Part } from "../area.ts";
import { chart, type Curve } from "./chart.ts";
import { engineClients, type Loss } from "./engine-client.ts";
import { figuresOf, missed, worst } from "./figures.ts";
import { runHerd, type HerdOptions, type HerdResult } from "./model.ts";
import { libraries, libraryClients } from "./others.ts";
import { pageOf, rowOf, type Row } from "./report.ts";
import { reservedHint } from "./reserved-hint.ts";

const CLIENTS = 5_000;
const OTHER_CLIENTS = 2_000;
const SEEDS = 5;
const REFUSAL_COST = 0.1;
const CAPACITIES = [100, 10, 2];
const OUTAGES = [30, 2, 0];
const LOSSES: readonly Loss[] = ["private", "peer"];
const CHART_SECONDS = 180;

/** Of the model; the whole with the other libraries. */
const SECONDS = 240;
const QUICK_SECONDS = 20;

export function parts({ quick }: Options): readonly Part[] {
  return [{ name: "herd", seconds: quick ? QUICK_SECONDS : SECONDS }];
}

export async function run({ quick }: Options): Promise<number> {
  const seeds = quick ? 1 : SEEDS;
  const ours = await cases((options, loss) => oursOf(options, loss, true), seeds);
  for (const row of ours) console.log(rowOf(row));
  if (!quick) await write(ours);
  const misses = ours.flatMap((row) =>
    missed(row.figures, row.capacitySeconds).map((why) => `${row.name}: ${why}`),
  );
  for (const miss of misses) console.error(miss);
  console.log(
    misses.length === 0 ? "the default policy reaches every figure" : `${misses.length} figures missed`,
  );
  return misses.length === 0 ? 0 : 1;
}

async function write(ours: readonly Row[]): Promise<void> {
  const withoutHints = await cases((options, loss) => oursOf(options, loss, false), 1);
  const others = [100, 10].flatMap((capacitySeconds) =>
    libraries.map((library): Row => {
      const options = optionsOf(OTHER_CLIENTS, capacitySeconds, 30, 1);
      const figures = figuresOf(runHerd(options, libraryClients(library)));
      return { name: library.name, capacitySeconds, outageSeconds: 30, figures };
    }),
  );
  const page = pageOf({
    clients: CLIENTS,
    seeds: SEEDS,
    otherClients: OTHER_CLIENTS,
    ours,
    withoutHints,
    others,
  });
  writeFileSync(sourcePath("README.md"), page);
  const title = "A relay is away for 30 s and needs 100 s for all its clients";
  writeFileSync(sourcePath("herd.svg"), chart(title, CHART_SECONDS, await curves()));
}

async function cases(
  runOne: (options: HerdOptions, loss: Loss) => Promise<HerdResult>,
  seeds: number,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const capacitySeconds of CAPACITIES) {
    for (const outageSeconds of OUTAGES) {
      for (const loss of LOSSES) {
        const runs: HerdResult[] = [];
        for (let seed = 1; seed <= seeds; seed++) {
          runs.push(await runOne(optionsOf(CLIENTS, capacitySeconds, outageSeconds, seed), loss));
        }
        rows.push({ name: loss, capacitySeconds, outageSeconds, figures: worst(runs.map(figuresOf)) });
      }
    }
  }
  return rows;
}

async function oursOf(options: HerdOptions, loss: Loss, hints: boolean): Promise<HerdResult> {
  const perSecond = options.clients / options.capacitySeconds;
  const random = seededRandom(options.seed + 1_000);
  const hint = hints ? { hint: await reservedHint(perSecond, random) } : {};
  return runHerd({ ...options, ...hint }, engineClients(loss, options.capacitySeconds * 1_000));
}

async function curves(): Promise<readonly Curve[]> {
  const options = optionsOf(OTHER_CLIENTS, 100, 30, 1);
  const other = (name: string, colour: string): Curve[] => {
    const library = libraries.find((candidate) => candidate.name === name);
    if (library === undefined) throw new Error(`there is no library ${name}`);
    return [{ name, colour, ...runHerd(options, libraryClients(library)) }];
  };
  return [
    { name: "Holdfast", colour: "#0a7d33", ...(await oursOf(options, "private", true)) },
    { name: "Holdfast, no hints", colour: "#7fbf7f", ...(await oursOf(options, "private", false)) },
    ...other("full jitter (500 ms, 30 s)", "#1f5fbf"),
    ...other("grpc-js 1.14", "#8a5fbf"),
    ...other("partysocket 1.3", "#c77700"),
    ...other("socket.io-client 4.8", "#c0392b"),
    ...other("MQTT.js 5", "#555"),
  ];
}

function optionsOf(
  clients: number,
  capacitySeconds: number,
  outageSeconds: number,
  seed: number,
): HerdOptions {
  return { clients, capacitySeconds, outageSeconds, refusalCost: REFUSAL_COST, seed };
}

/** Beside the source, wherever this was compiled to. */
function sourcePath(name: string): string {
  return fileURLToPath(new URL(`../../herd/${name}`, import.meta.url));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await run(parseOptions(process.argv.slice(2)));
