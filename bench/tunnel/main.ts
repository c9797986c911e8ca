// Tunnels against no tunnel, and against bore and rathole where they are installed: `npm run bench -- tunnel`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSection } from "../readme.ts";
import { Ledger } from "./ledger.ts";
import { measureMemory } from "./memory.ts";
import { parseOptions, type Plan } from "./options.ts";
import { measureRecovery } from "./recovery.ts";
import { report, type Findings } from "./report.ts";
import { Stage } from "./stage.ts";
import { measureStartUp } from "./start-up.ts";
import { measureTraffic } from "./traffic.ts";
import { runTransfers } from "./transfers.ts";
import { judge } from "./verdicts.ts";
import { openWay } from "./ways.ts";

/** @returns the exit code: 0 if it ran, whatever the figures say; 1 if something broke; 2 for wrong usage. */
export async function run(args: string[]): Promise<number> {
  let plan: Plan;
  try {
    plan = parseOptions(args);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  try {
    const findings = await measure(plan);
    const text = report(findings, judge(findings), new Date());
    console.log(text);
    if (plan.whole) writeSection("tunnel", text);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

async function measure(plan: Plan): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const names = plan.ways;
  const wanted = new Set(plan.sections);
  const ledger = new Ledger();
  try {
    // What takes part in one section and would disturb the next ends with it.
    const startUp = wanted.has("start-up")
      ? await onStage(folder, (stage) => measureStartUp(stage, plan.starts))
      : [];
    if (wanted.has("transfers")) {
      await onStage(folder, async (stage, target) =>
        runTransfers(await openWay(stage, "holdfast", target), plan.transfers),
      );
    }
    const generator =
      plan.tests.length > 0
        ? await onStage(folder, (stage, servicePort) =>
            measureTraffic(stage, names, { plan, servicePort, ledger }),
          )
        : undefined;
    const memory = wanted.has("memory") ? await measureMemories(folder, names) : [];
    const recovery = wanted.has("recovery")
      ? await onStage(folder, (stage, target) => measureRecovery(stage, names, target, plan.recovery))
      : new Map();
    const transfers = wanted.has("transfers") ? plan.transfers : 0;
    return { names, rounds: plan.rounds, generator, ledger, transfers, memory, recovery, startUp };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureMemories(folder: string, names: Findings["names"]): Promise<Findings["memory"]> {
  if (process.platform !== "linux") {
    console.error("memory is read from /proc, which this system does not have: not measured");
    return [];
  }
  const all: Findings["memory"][number][] = [];
  for (const name of names.filter((each) => each !== "direct")) {
    all.push(await onStage(folder, (stage, target) => measureMemory(stage, name, target)));
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
