// What a run of the tunnels does, and about how long each part takes.
import { isWhole, wantedParts, type Options, type Part } from "../area.ts";
import { findPeer } from "./peers.ts";
import { presentWays, type WayName } from "./ways.ts";
import { TRAFFIC_TESTS, type TrafficPlan, type TrafficTest } from "./traffic.ts";

export type Section =
  | TrafficTest
  | "far-set-up"
  | "far-bulk"
  | "transfers"
  | "memory"
  | "recovery"
  | "start-up";

export const SECTIONS: readonly Section[] = [
  "start-up",
  "transfers",
  ...TRAFFIC_TESTS,
  "far-set-up",
  "far-bulk",
  "memory",
  "recovery",
];

export interface Plan extends TrafficPlan {
  readonly sections: readonly Section[];
  readonly ways: readonly WayName[];
  readonly transfers: number;
  readonly farSetUps: number;
  readonly farSeconds: number;
  /** Relays and clients of which the medians are taken. */
  readonly memoryPairs: number;
  readonly recovery: { readonly outagesMs: readonly number[]; readonly tunnels: number };
  readonly starts: number;
  readonly whole: boolean;
}

/** @throws Error for ways that are not here. */
export function planOf(options: Options): Plan {
  const { quick, pairs } = options;
  const sections = wantedParts(SECTIONS, options);
  return {
    sections,
    ways: waysOf(options),
    tests: TRAFFIC_TESTS.filter((test) => sections.includes(test)),
    rounds: pairs,
    transfers: options.transfers ?? (quick ? 48 : 240),
    seconds: 1,
    splitWrites: quick ? 20 : 40,
    pings: quick ? 300 : 2_000,
    setUps: quick ? 50 : 200,
    setUpsAtOnce: quick ? 200 : 3_000,
    farSetUps: quick ? 3 : 10,
    farSeconds: quick ? 3 : 4,
    memoryPairs: quick ? 1 : 3,
    recovery: quick
      ? { outagesMs: [1_000], tunnels: 3 }
      : { outagesMs: [1_000, 3_000, 5_000, 10_000], tunnels: 5 },
    starts: quick ? 3 : 15,
    whole: isWhole(options),
  };
}

function waysOf({ ways }: Options): readonly WayName[] {
  const present = presentWays();
  const missing = ways?.find((name) => !present.some((each) => each === name));
  if (missing !== undefined) throw new Error(`no way here: ${missing}; there are ${present.join(", ")}`);
  return ways === undefined ? present : present.filter((name) => ways.includes(name));
}

/** What is not here to be compared with is said at the start, and again in the tables. */
export function sayWhatIsMissing({ ways }: Options): void {
  for (const name of ["bore", "rathole"] as const) {
    if (ways !== undefined || findPeer(name) !== undefined) continue;
    console.error(`skipped: ${name} is not here (node test/peers/install.mjs --bench)`);
  }
}

/** Seconds for each round and way, the round that warms up included in the rounds; found by the clock. */
const ROUND_SECONDS: Readonly<Record<TrafficTest, number>> = {
  bulk: 4.6,
  split: 0.8,
  ping: 0.5,
  beside: 1.3,
  "set-up": 0.6,
};

/** @throws Error for ways that are not here. */
export function partsOf(options: Options): readonly Part[] {
  const plan = planOf({ ...options, only: undefined });
  const ways = plan.ways.length;
  const traffic = TRAFFIC_TESTS.map((test): [Section, number] => [
    test,
    ROUND_SECONDS[test] * ways * (plan.rounds + 1),
  ]);
  const seconds = new Map<Section, number>([
    ["start-up", plan.starts * 0.6],
    ["transfers", 5 + plan.transfers * 0.06],
    ...traffic,
    ["far-set-up", 5 + plan.farSetUps * (plan.rounds + 1) * 0.22],
    ["far-bulk", (2.5 + 2 * plan.farSeconds) * plan.rounds],
    ["memory", 3 * plan.memoryPairs * ways],
    ["recovery", 20 + Math.max(...plan.recovery.outagesMs) / 1_000 + 10],
  ]);
  return SECTIONS.map((name) => ({ name, seconds: seconds.get(name) ?? 0 }));
}
