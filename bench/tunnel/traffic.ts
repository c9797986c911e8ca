// What visitors get, way against way: in each round every test goes through all ways one after another, and every
// second round the other way round, so that a slow moment of the machine harms none more than the others.
import { median, quantile } from "../statistics.ts";
import { BULK_TESTS, startLoadGenerator, type BulkTest, type LoadGenerator } from "./bulk.ts";
import { pings, pingsBesideUpload, setUps, setUpsPerSecond, splitWrites } from "./latency.ts";
import type { Ledger } from "./ledger.ts";
import type { Stage } from "./stage.ts";
import { openWay, type Way, type WayName } from "./ways.ts";

export interface TrafficPlan {
  readonly rounds: number;
  /** Of each bulk test. */
  readonly seconds: number;
  readonly splitWrites: number;
  readonly pings: number;
  readonly setUps: number;
  readonly setUpsAtOnce: number;
  readonly tests: readonly TrafficTest[];
}

export const TRAFFIC_TESTS = ["bulk", "split", "ping", "beside", "set-up"] as const;
export type TrafficTest = (typeof TRAFFIC_TESTS)[number];

const AT_ONCE = 50;

/** The two tunnels of a way: to the load generator and to the service. */
interface Pair {
  readonly bulk: Way;
  readonly service: Way;
}

interface Measurement {
  readonly test: TrafficTest;
  run(pair: Pair, keep: (figure: string, value: number) => void): Promise<void>;
}

/** @returns the name of the load generator. */
export async function measureTraffic(
  stage: Stage,
  names: readonly WayName[],
  { plan, servicePort, ledger }: { plan: TrafficPlan; servicePort: number; ledger: Ledger },
): Promise<string> {
  const generator = await startLoadGenerator(stage, servicePort);
  const pairs: Pair[] = [];
  for (const name of names) {
    const bulk = await openWay(stage, name, generator.port);
    pairs.push({ bulk, service: await openWay(stage, name, servicePort) });
  }
  const measurements = measurementsOf(stage, generator, plan).filter(({ test }) => plan.tests.includes(test));
  const took = new Map<TrafficTest, number>();
  // The first round warms up and is not counted.
  for (let round = 0; round <= plan.rounds; round++) {
    const order = round % 2 === 0 ? pairs : pairs.toReversed();
    for (const measurement of measurements) {
      const startedAt = performance.now();
      for (const pair of order) {
        await measurement.run(pair, (figure, value) => {
          if (round > 0) ledger.add(figure, pair.bulk.name, value);
        });
      }
      took.set(measurement.test, (took.get(measurement.test) ?? 0) + performance.now() - startedAt);
    }
    console.error(round === 0 ? "warm" : `round ${round} of ${plan.rounds}`);
  }
  for (const [test, ms] of took) console.error(`${test}: took ${(ms / 1_000).toFixed(0)} s`);
  return generator.name;
}

function measurementsOf(stage: Stage, generator: LoadGenerator, plan: TrafficPlan): Measurement[] {
  const bulk = BULK_TESTS.map((test): Measurement => ({
    test: "bulk",
    run: async (pair, keep) => {
      const { rate, cpuPerGigabyte } = await generator.run(pair.bulk, test, plan.seconds);
      keep(bulkFigure(test), rate / 1e9);
      keep(`${bulkFigure(test)}, cpu`, cpuPerGigabyte);
    },
  }));
  const times = (test: TrafficTest, measure: (way: Way) => Promise<number[]>): Measurement => ({
    test,
    run: async ({ service }, keep) => {
      const all = await measure(service);
      keep(`${test} p50`, median(all));
      keep(`${test} p99`, quantile(all, 0.99));
    },
  });
  return [
    ...bulk,
    times("split", (way) => splitWrites(way, plan.splitWrites)),
    times("ping", (way) => pings(way, plan.pings)),
    times("beside", (way) => pingsBesideUpload(stage, way, plan.seconds)),
    times("set-up", (way) => setUps(way, plan.setUps)),
    {
      test: "set-up",
      run: async ({ service }, keep) =>
        keep("set-ups a second", await setUpsPerSecond(service, plan.setUpsAtOnce, AT_ONCE)),
    },
  ];
}

export function bulkFigure({ direction, streams }: BulkTest): string {
  return `bulk ${direction} ${streams}`;
}
