// The thread that runs worlds for `sweep`.
import { parentPort } from "node:worker_threads";
import { trySessionSeeds } from "@holdfast/core/testing";
import { trySeeds } from "@holdfast/net/testing";
import type { SweepAnswer, SweepTask } from "./sweep.ts";

parentPort?.on("message", (task: SweepTask) => {
  void run(task).then((answer) => parentPort?.postMessage(answer));
});

async function run({ kind, firstSeed, seeds, hours }: SweepTask): Promise<SweepAnswer> {
  const totals: Record<string, number> = {};
  const onReport = (report: object): void => {
    for (const [name, value] of Object.entries(report)) {
      if (name !== "seed" && name !== "fingerprint" && typeof value === "number")
        totals[name] = (totals[name] ?? 0) + value;
    }
  };
  const caught =
    kind === "engine"
      ? await trySeeds({ firstSeed, seeds, hours, onReport })
      : trySessionSeeds({ firstSeed, seeds, onReport });
  if (caught === undefined || !("seed" in caught.by)) return { totals, caught: undefined };
  return { totals, caught: { seed: caught.by.seed, message: caught.message } };
}
