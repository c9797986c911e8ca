// Sessions against bare connections: `npm run bench -- session`.
import { isWhole, timed, wantedParts, type Options, type Part } from "../area.ts";
import { withFolder } from "../processes/work-folder.ts";
import { writeSection } from "../readme.ts";
import { Stage } from "../tunnel/stage.ts";
import { measureCore } from "./core.ts";
import { KINDS } from "./kinds.ts";
import { measureLongStream } from "./long-stream.ts";
import { report, type Findings } from "./report.ts";
import { measureResume } from "./resume.ts";
import { measureThroughput, TESTS } from "./throughput.ts";

const SECTIONS = ["throughput", "resume", "long", "core"] as const;
type Section = (typeof SECTIONS)[number];

interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly transfers: number;
  readonly cuts: number;
  readonly wakes: number;
  readonly cutRounds: number;
  readonly longRounds: number;
  readonly longSeconds: number;
  readonly coreSeconds: number;
}

function planOf({ quick, pairs }: Options): Plan {
  return {
    rounds: pairs,
    seconds: 0.6,
    transfers: quick ? 18 : 180,
    cuts: quick ? 10 : 50,
    wakes: quick ? 3 : 10,
    cutRounds: quick ? 1 : 4,
    longRounds: Math.min(pairs, 4),
    longSeconds: 4,
    coreSeconds: quick ? 0.5 : 1,
  };
}

export function parts(options: Options): readonly Part[] {
  const plan = planOf(options);
  const seconds: Readonly<Record<Section, number>> = {
    throughput: KINDS.length * (4 + plan.rounds * TESTS.length * 2 * (plan.seconds + 0.7)),
    resume: 5 + plan.cuts * 0.3 + plan.wakes * 4 * 0.5 + plan.cutRounds * 12,
    long: plan.longRounds * 2 * (plan.longSeconds + 0.4),
    core: plan.coreSeconds * 3,
  };
  return SECTIONS.map((name) => ({ name, seconds: seconds[name] }));
}

/** @returns the exit code: 0 if it ran, 1 if something broke. */
export async function run(options: Options): Promise<number> {
  try {
    const findings = await measure(new Set(wantedParts(SECTIONS, options)), planOf(options));
    const text = report(findings, new Date());
    console.log(text);
    if (isWhole(options)) writeSection("session", text);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

function measure(wanted: ReadonlySet<Section>, plan: Plan): Promise<Findings> {
  return withFolder(async (folder) => {
    const stage = new Stage(folder);
    const section = <T>(name: Section, use: () => T | Promise<T>): Promise<T | undefined> =>
      wanted.has(name) ? timed(name, use) : Promise.resolve(undefined);
    const { rounds, seconds, transfers, cuts, wakes, cutRounds } = plan;
    try {
      return {
        rounds,
        transfers,
        throughput: await section("throughput", () =>
          measureThroughput(stage, { rounds, seconds, transfers }),
        ),
        resume: await section("resume", () => measureResume(stage, { cuts, wakes, rounds: cutRounds })),
        long: await section("long", () => measureLongStream(stage, plan.longRounds, plan.longSeconds)),
        core: await section("core", () => measureCore(plan.coreSeconds)),
      };
    } finally {
      await stage.end();
    }
  });
}
