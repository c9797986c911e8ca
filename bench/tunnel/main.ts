// Tunnels against no tunnel, and against bore and rathole where they are installed: `npm run bench -- tunnel`.
import { timed, type Options, type Part } from "../area.ts";
import { withFolder } from "../processes/work-folder.ts";
import { writeSection } from "../readme.ts";
import { measureFarBulk } from "./far-bulk.ts";
import { measureFarSetUps } from "./far-set-up.ts";
import { Ledger } from "./ledger.ts";
import { measureMemory } from "./memory.ts";
import { partsOf, planOf, sayWhatIsMissing, type Plan, type Section } from "./options.ts";
import { measureRecovery } from "./recovery.ts";
import { report, type Findings } from "./report.ts";
import { Stage } from "./stage.ts";
import { measureStartUp } from "./start-up.ts";
import { measureTraffic } from "./traffic.ts";
import { runTransfers } from "./transfers.ts";
import { judge } from "./verdicts.ts";
import { dialectOf, openWay, type WayName } from "./ways.ts";

/** @throws Error for ways that are not here. */
export function parts(options: Options): readonly Part[] {
  return partsOf(options);
}

/** @returns the exit code: 0 if it ran, whatever the figures say; 1 if something broke. */
export async function run(options: Options): Promise<number> {
  const plan = planOf(options);
  sayWhatIsMissing(options);
  try {
    const findings = await withFolder((folder) => measure(folder, plan));
    const text = report(findings, judge(findings), new Date());
    console.log(text);
    if (plan.whole) writeSection("tunnel", text);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

async function measure(folder: string, plan: Plan): Promise<Findings> {
  const names = plan.ways;
  const wanted = new Set(plan.sections);
  const ledger = new Ledger();
  // What takes part in one section and would disturb the next ends with it.
  const section = <T>(name: Section, nothing: T, use: () => Promise<T>): Promise<T> =>
    wanted.has(name) ? timed(name, use) : Promise.resolve(nothing);
  const startUp = await section("start-up", [], () =>
    onStage(folder, (stage) => measureStartUp(stage, plan.starts)),
  );
  const transfers = await section("transfers", 0, () => measureTransfers(folder, plan));
  const generator =
    plan.tests.length > 0
      ? await onStage(folder, (stage, servicePort) =>
          measureTraffic(stage, names, { plan, servicePort, ledger }),
        )
      : undefined;
  await section("far-set-up", undefined, () =>
    onStage(folder, (stage, target) =>
      measureFarSetUps(stage, farWays(names), {
        target,
        rounds: plan.rounds,
        count: plan.farSetUps,
        ledger,
      }),
    ),
  );
  const farBytes = await section("far-bulk", 0, () =>
    measureFarBulk((use) => onStage(folder, use), farWays(names), {
      rounds: plan.rounds,
      seconds: plan.farSeconds,
      ledger,
    }),
  );
  const memory = await section("memory", [], () => measureMemories(folder, plan));
  const recovery = await section("recovery", new Map(), () =>
    onStage(folder, (stage, target) => measureRecovery(stage, names, target, plan.recovery)),
  );
  const { rounds } = plan;
  return { names, rounds, generator, ledger, transfers, farBytes, memory, recovery, startUp };
}

/** bore's client knows one port, so a path to its relay needs an address of its own. */
function farWays(names: readonly WayName[]): readonly WayName[] {
  return process.platform === "linux" ? names : names.filter((name) => name !== "bore");
}

/** Through each of Holdfast's ways that is measured. @returns how many, each way. */
async function measureTransfers(folder: string, { ways, transfers }: Plan): Promise<number> {
  for (const name of ways.filter((each) => dialectOf(each) !== undefined)) {
    await onStage(folder, async (stage, target) =>
      runTransfers(await openWay(stage, name, target), transfers),
    );
  }
  return transfers;
}

async function measureMemories(folder: string, plan: Plan): Promise<Findings["memory"]> {
  if (process.platform !== "linux") {
    console.error("memory is read from /proc, which this system does not have: not measured");
    return [];
  }
  const all: Findings["memory"][number][] = [];
  for (const name of plan.ways.filter((each) => each !== "direct")) {
    all.push(await measureMemory((use) => onStage(folder, use), name, plan.memoryPairs));
  }
  return all;
}

/** With the service behind the tunnels; all programs end with it. */
async function onStage<T>(
  folder: string,
  use: (stage: Stage, servicePort: number) => T | Promise<T>,
): Promise<T> {
  const stage = new Stage(folder);
  try {
    const [, port] = await stage.own("service.js").says(/port (\d+)/);
    return await use(stage, Number(port));
  } finally {
    await stage.end();
  }
}
