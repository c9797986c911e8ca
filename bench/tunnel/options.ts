// The words behind `npm run bench -- tunnel`.
import { presentWays, type WayName } from "./ways.ts";
import { TRAFFIC_TESTS, type TrafficPlan, type TrafficTest } from "./traffic.ts";

export type Section = TrafficTest | "transfers" | "memory" | "recovery" | "start-up";

export const SECTIONS: readonly Section[] = [...TRAFFIC_TESTS, "transfers", "memory", "recovery", "start-up"];

export interface Plan extends TrafficPlan {
  readonly sections: readonly Section[];
  readonly ways: readonly WayName[];
  readonly transfers: number;
  readonly recovery: { readonly outagesMs: readonly number[]; readonly tunnels: number };
  readonly starts: number;
  /** A whole run: what it found goes into the README. */
  readonly whole: boolean;
}

export const USAGE: string = `usage: npm run bench -- tunnel [options]
  --quick           a short look: 2 rounds of everything; the README stays as it is
  --only LIST       of ${SECTIONS.join(", ")}; the README stays as it is
  --ways LIST       of those that are here: ${presentWays().join(", ")}; the README stays as it is
  --pairs N         rounds, each with every way once (9)
  --transfers N     hashed transfers (240)`;

/** @throws Error with the usage. */
export function parseOptions(args: readonly string[]): Plan {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const name = args[i] ?? "";
    if (name === "--quick") given.set(name, "");
    else if (["--only", "--ways", "--pairs", "--transfers"].includes(name)) given.set(name, args[++i] ?? "");
    else throw new Error(USAGE);
  }
  const quick = given.has("--quick");
  const sections = chosen(SECTIONS, given.get("--only"));
  const ways = chosen(presentWays(), given.get("--ways"));
  return {
    sections,
    ways,
    tests: TRAFFIC_TESTS.filter((test) => sections.includes(test)),
    rounds: count(given.get("--pairs") ?? (quick ? "2" : "9")),
    transfers: count(given.get("--transfers") ?? (quick ? "48" : "240")),
    seconds: quick ? 1 : 2,
    splitWrites: quick ? 20 : 60,
    pings: quick ? 300 : 2_000,
    setUps: quick ? 50 : 200,
    setUpsAtOnce: quick ? 200 : 1_000,
    recovery: quick
      ? { outagesMs: [1_000], tunnels: 3 }
      : { outagesMs: [1_000, 3_000, 5_000, 10_000], tunnels: 5 },
    starts: quick ? 3 : 15,
    whole: !quick && sections.length === SECTIONS.length && !given.has("--ways"),
  };
}

function chosen<T extends string>(all: readonly T[], list: string | undefined): readonly T[] {
  if (list === undefined) return all;
  const wanted = list.split(",");
  const found = all.filter((name) => wanted.includes(name));
  if (found.length !== wanted.length) throw new Error(USAGE);
  return found;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(USAGE);
  return value;
}
