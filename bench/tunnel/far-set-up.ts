// How long a new visitor waits for the first byte when client and relay are far from each other: what counts is how
// often a set-up goes back and forth. Waiting costs nothing, so all ways are measured at the same time.
import { median } from "../statistics.ts";
import { setUps } from "./latency.ts";
import type { Ledger } from "./ledger.ts";
import type { Stage } from "./stage.ts";
import { openWay, type WayName } from "./ways.ts";

export const FAR_ROUND_TRIPS_MS = [20, 100] as const;
/** On the longest path there are fewer in a round. */
const TIMES_AS_LONG = 2;

export function farSetUpFigure(roundTripMs: number): string {
  return `set-up over ${roundTripMs} ms`;
}

export async function measureFarSetUps(
  stage: Stage,
  names: readonly WayName[],
  { target, rounds, count, ledger }: { target: number; rounds: number; count: number; ledger: Ledger },
): Promise<void> {
  for (const roundTripMs of FAR_ROUND_TRIPS_MS) {
    const ways = await Promise.all(names.map((name) => openWay(stage, name, target, { roundTripMs })));
    const inRound = roundTripMs === FAR_ROUND_TRIPS_MS[0] ? count : Math.ceil(count / TIMES_AS_LONG);
    // The first round warms up and is not counted.
    for (let round = 0; round <= rounds; round++) {
      const found = await Promise.all(ways.map((way) => setUps(way, inRound)));
      for (const [index, times] of found.entries()) {
        const name = names[index];
        if (round > 0 && name !== undefined) ledger.add(farSetUpFigure(roundTripMs), name, median(times));
      }
    }
  }
}
