// Looks for a broken promise: every directed scenario, then world after world, until one fails.
import { Violation } from "@holdfast/core/testing";
import { scenarios } from "./scenarios.ts";
import { simulate, type SimulationReport } from "./simulate.ts";

export interface Catch {
  /** The scenario or the seed that saw it. */
  readonly by: { readonly scenario: string } | { readonly seed: number };
  readonly invariant: string;
  readonly message: string;
}

export interface HuntOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly hours?: number;
  /** Called before each world or scenario begins. */
  readonly onBegin?: (what: string) => void;
  readonly onReport?: (report: SimulationReport) => void;
}

/** Run every scenario; collect the failures. */
export async function tryScenarios(onBegin?: (what: string) => void): Promise<readonly Catch[]> {
  const found: Catch[] = [];
  for (const [name, run] of Object.entries(scenarios)) {
    onBegin?.(name);
    const caught = await catching(run);
    if (caught !== undefined) found.push({ by: { scenario: name }, ...caught });
  }
  return found;
}

/** Run worlds until one fails. */
export async function trySeeds(options: HuntOptions): Promise<Catch | undefined> {
  const { firstSeed, seeds, hours } = options;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    options.onBegin?.(`seed ${seed}`);
    const caught = await catching(async () => {
      const report = await simulate({ seed, ...(hours === undefined ? {} : { hours }) });
      options.onReport?.(report);
    });
    if (caught !== undefined) return { by: { seed }, ...caught };
  }
  return undefined;
}

interface Caught {
  readonly invariant: string;
  readonly message: string;
}

/** Rejections that nobody handles count too; they are known a turn later. */
async function catching(run: () => Promise<unknown>): Promise<Caught | undefined> {
  let unhandled: unknown = undefined;
  const listener = (reason: unknown): void => void (unhandled ??= reason ?? "nothing");
  process.on("unhandledRejection", listener);
  try {
    await run();
    await new Promise((resolve) => setImmediate(resolve));
    return unhandled === undefined
      ? undefined
      : { invariant: "unhandled rejection", message: String(unhandled) };
  } catch (thrown) {
    const invariant = thrown instanceof Violation ? thrown.invariant : "crash";
    return { invariant, message: thrown instanceof Error ? thrown.message : String(thrown) };
  } finally {
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listener);
  }
}
