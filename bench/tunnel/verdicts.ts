// The figures that the design sets, each with what was measured and whether that is enough.
import { BULK_TESTS } from "./bulk.ts";
import { DIRECTIONS, FAR_LINE, farBulkFigure } from "./far-bulk.ts";
import { FAR_ROUND_TRIPS_MS, farSetUpFigure } from "./far-set-up.ts";
import type { Ledger, Ratio } from "./ledger.ts";
import { LONGEST_DELAY_MS } from "./recovery.ts";
import { savedRoundTrips, showRatio, type Findings } from "./report.ts";
import { bulkFigure } from "./traffic.ts";
import type { WayName } from "./ways.ts";

type Verdict = readonly [figure: string, toReach: string, measured: string, verdict: string];

const MET = "met";
/** Of bore's rate on a line that is slower than both. */
const FAR_BULK_SHARE = 0.95;

export function judge(findings: Findings): Verdict[] {
  return [
    ...judgeBytes(findings),
    ...judgeBulk(findings),
    ...judgeLatency(findings),
    ...judgeFar(findings),
    ...judgeRecovery(findings),
    ...judgeStartUp(findings),
  ];
}

/** One that is wrong would have ended the run. */
function judgeBytes({ transfers, farBytes }: Findings): Verdict[] {
  return transfers + farBytes === 0 ? [] : [["bytes lost, doubled or changed", "0", "0", MET]];
}

/** A figure of Holdfast's beside that of another way, in the same rounds. */
interface Comparison {
  readonly figure: string;
  readonly base: WayName;
  /** Under which it is in the ledger. */
  readonly key: string;
  readonly toReach: string;
  readonly compare?: () => Ratio | undefined;
  readonly verdict: (ratio: Ratio) => string;
}

function judgeOne(ledger: Ledger, { figure, base, key, toReach, compare, verdict }: Comparison): Verdict[] {
  if (ledger.figure(key, "holdfast") === undefined) return [];
  const ratio = compare === undefined ? ledger.ratio(key, "holdfast", base) : compare();
  return ratio === undefined
    ? [[figure, toReach, "-", `${base} is not here to compare with`]]
    : [[figure, toReach, showRatio(ratio), verdict(ratio)]];
}

function judgeBulk({ ledger }: Findings): Verdict[] {
  return BULK_TESTS.flatMap((test) =>
    judgeOne(ledger, {
      figure: `bulk ${test.direction}, ${test.streams === 1 ? "1 stream" : `${test.streams} streams`}`,
      base: "bore",
      key: bulkFigure(test),
      toReach: "1.0 × bore, bound 0.9",
      verdict: bulkVerdict,
    }),
  );
}

function bulkVerdict({ median, bound }: Ratio): string {
  if (median < 1) return `missed: ${percent(1 - median)} slower than bore`;
  if (bound === undefined) return "too few rounds for a bound";
  return bound >= 0.9 ? MET : `missed: the median is enough, but it may be ${percent(1 - bound)} slower`;
}

function judgeLatency({ ledger }: Findings): Verdict[] {
  return [
    {
      figure: "write, 2 ms, write, reply: p50",
      base: "direct" as const,
      key: "split p50",
      toReach: "at most 1.5 × direct",
      verdict: (ratio: Ratio) => atMost(ratio, 1.5, "direct"),
    },
    {
      figure: "ping-pong beside one upload: p50",
      base: "bore" as const,
      key: "beside p50",
      toReach: "at most 3 × bore",
      verdict: (ratio: Ratio) => atMost(ratio, 3, "bore"),
    },
    {
      figure: "set-ups, 50 at once",
      base: "bore" as const,
      key: "set-ups a second",
      toReach: "1.0 × bore",
      verdict: ({ median }: Ratio) => (median >= 1 ? MET : `missed: ${percent(1 - median)} fewer than bore`),
    },
  ].flatMap((comparison) => judgeOne(ledger, comparison));
}

function atMost({ median }: Ratio, most: number, base: string): string {
  return median <= most ? MET : `missed: ${median.toFixed(2)} × ${base}`;
}

/** If the machine was too busy even for the bare line, the figure says nothing. */
function farBulkVerdict({ median }: Ratio, direct: number | undefined): string {
  if (direct !== undefined && direct < FAR_BULK_SHARE * FAR_LINE.bytesPerSecond) {
    return `not judged: ${(direct / 1e6).toFixed(1)} MB/s without a tunnel, the machine was too busy`;
  }
  return median >= FAR_BULK_SHARE ? MET : `missed: ${percent(1 - median)} slower than bore`;
}

function judgeFar({ ledger }: Findings): Verdict[] {
  const setUps = FAR_ROUND_TRIPS_MS.map((roundTripMs): Comparison => ({
    figure: `set-up over ${roundTripMs} ms, round trips less than bore`,
    base: "bore",
    key: farSetUpFigure(roundTripMs),
    toReach: "1",
    compare: () => savedRoundTrips(ledger, roundTripMs),
    verdict: ({ median }) => (median >= 1 ? MET : `missed: ${median.toFixed(2)} less`),
  }));
  const bulk = DIRECTIONS.map((direction): Comparison => ({
    figure: `bulk ${direction} over ${FAR_LINE.roundTripMs} ms, 1 stream`,
    base: "bore",
    key: farBulkFigure(direction),
    toReach: `${FAR_BULK_SHARE} × bore: the line is the limit`,
    verdict: (ratio) => farBulkVerdict(ratio, ledger.figure(farBulkFigure(direction), "direct")),
  }));
  return [...setUps, ...bulk].flatMap((comparison) => judgeOne(ledger, comparison));
}

/** All are back within the longest delay and a second. */
function judgeRecovery({ recovery }: Findings): Verdict[] {
  return [...recovery].flatMap(([label, times]): Verdict[] => {
    const longestMs = LONGEST_DELAY_MS.get(label);
    if (longestMs === undefined) return [];
    const back = times.filter((time) => time !== undefined);
    const most = Math.max(...back) / 1_000;
    const reachSeconds = longestMs / 1_000 + 1;
    const late = back.length < times.length ? `${times.length - back.length} are not back` : undefined;
    const verdict = late ?? (most <= reachSeconds ? MET : `missed: by ${(most - reachSeconds).toFixed(1)} s`);
    return [
      [
        `back after the relay's return: ${label}`,
        `all within ${reachSeconds} s`,
        `${most.toFixed(2)} s`,
        verdict,
      ],
    ];
  });
}

function judgeStartUp({ startUp }: Findings): Verdict[] {
  const most: Readonly<Record<string, number>> = { "holdfast --version": 1.5, "holdfast list": 2 };
  return startUp.flatMap(({ command, ratio }): Verdict[] => {
    const limit = most[command];
    if (limit === undefined) return [];
    const verdict = atMost({ median: ratio, bound: undefined }, limit, "`node -e 0`");
    return [[`\`${command}\``, `at most ${limit} × \`node -e 0\``, ratio.toFixed(2), verdict]];
  });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
