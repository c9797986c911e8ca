// Runs worlds on all cores: hands out a few seeds at a time to workers, and adds up what they report.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

export type WorldKind = "engine" | "session";

/** What a worker is asked for. */
export interface SweepTask {
  readonly kind: WorldKind;
  readonly firstSeed: number;
  readonly seeds: number;
  /** Virtual hours of each of the engine's worlds. */
  readonly hours: number;
}

/** What it answers: sums of what the worlds report, and the first failure. */
export interface SweepAnswer {
  readonly totals: Readonly<Record<string, number>>;
  readonly caught: { readonly seed: number; readonly message: string } | undefined;
}

export interface SweepResult extends SweepAnswer {
  readonly seconds: number;
  readonly workers: number;
}

const SEEDS_AT_A_TIME = 10;

/** Run worlds until all are done or one fails. */
export async function sweep(task: SweepTask): Promise<SweepResult> {
  const begun = performance.now();
  const totals: Record<string, number> = {};
  const end = task.firstSeed + task.seeds;
  let next = task.firstSeed;
  let caught: SweepAnswer["caught"];
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL("./sweep-worker.js", import.meta.url));
    try {
      while (next < end && caught === undefined) {
        const seeds = Math.min(SEEDS_AT_A_TIME, end - next);
        const part = { ...task, firstSeed: next, seeds };
        next += seeds;
        const answer = await ask(worker, part);
        for (const [name, value] of Object.entries(answer.totals)) totals[name] = (totals[name] ?? 0) + value;
        caught = earlier(caught, answer.caught);
      }
    } finally {
      await worker.terminate();
    }
  };
  const workers = Math.min(availableParallelism(), Math.ceil(task.seeds / SEEDS_AT_A_TIME));
  await Promise.all(Array.from({ length: workers }, work));
  return { totals, caught, seconds: (performance.now() - begun) / 1_000, workers };
}

function ask(worker: Worker, task: SweepTask): Promise<SweepAnswer> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.postMessage(task);
  }).then((answer) => {
    worker.removeAllListeners("error");
    return answer as SweepAnswer;
  });
}

function earlier(a: SweepAnswer["caught"], b: SweepAnswer["caught"]): SweepAnswer["caught"] {
  if (a === undefined || b === undefined) return a ?? b;
  return a.seed < b.seed ? a : b;
}
