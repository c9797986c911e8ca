// The figures that the design sets, each with what was measured and whether that is enough.
import { BULK_TESTS } from "./bulk.ts";
import { DIRECTIONS, FAR_LINE, farBulkFigure } from "./far-bulk.ts";
import { FAR_ROUND_TRIPS_MS } from "./far-set-up.ts";
import type { Ratio } from "./ledger.ts";
import { LONGEST_DELAY_MS } from "./recovery.ts";
import { savedRoundTrips, showRatio, type Findings } from "./report.ts";
import { bulkFigure } from "./traffic.ts";

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

function judgeBulk({ ledger, names }: Findings): Verdict[] {
  return BULK_TESTS.flatMap((test): Verdict[] => {
    const key = bulkFigure(test);
    if (ledger.figure(key, "holdfast") === undefined) return [];
    const name = `bulk ${test.direction}, ${test.streams === 1 ? "1 stream" : `${test.streams} streams`}`;
    const reach = "1.0 × bore, bound 0.9";
    const ratio = ledger.ratio(key, "holdfast", "bore");
    if (!names.includes("bore") || ratio === undefined)
      return [[name, reach, "-", "bore is not here to compare with"]];
    return [[name, reach, showRatio(ratio), bulkVerdict(ratio)]];
  });
}

function bulkVerdict({ median, bound }: Ratio): string {
  if (median < 1) return `missed: ${percent(1 - median)} slower than bore`;
  if (bound === undefined) return "too few rounds for a bound";
  return bound >= 0.9 ? MET : `missed: the median is enough, but it may be ${percent(1 - bound)} slower`;
}

function judgeLatency({ ledger }: Findings): Verdict[] {
  const split = ledger.ratio("split p50", "holdfast", "direct");
  const beside = ledger.ratio("beside p50", "holdfast", "bore");
  const setUps = ledger.ratio("set-ups a second", "holdfast", "bore");
  return [
    ...atMost("write, 2 ms, write, reply: p50", "direct", split, 1.5),
    ...atMost("ping-pong beside one upload: p50", "bore", beside, 3),
    ...(setUps === undefined
      ? []
      : [
          [
            "set-ups, 50 at once",
            "1.0 × bore",
            showRatio(setUps),
            setUps.median >= 1 ? MET : `missed: ${percent(1 - setUps.median)} fewer than bore`,
          ] as const,
        ]),
  ];
}

function atMost(figure: string, base: string, ratio: Ratio | undefined, most: number): Verdict[] {
  if (ratio === undefined) return [];
  const verdict = ratio.median <= most ? MET : `missed: ${ratio.median.toFixed(2)} × ${base}`;
  return [[figure, `at most ${most} × ${base}`, ratio.median.toFixed(2), verdict]];
}

function judgeFar({ ledger }: Findings): Verdict[] {
  const setUps = FAR_ROUND_TRIPS_MS.flatMap((roundTripMs): Verdict[] => {
    const saved = savedRoundTrips(ledger, roundTripMs);
    if (saved === undefined) return [];
    const verdict = saved.median >= 1 ? MET : `missed: ${saved.median.toFixed(2)} less`;
    return [
      [`set-up over ${roundTripMs} ms`, "1 round trip less than bore", `${showRatio(saved)} less`, verdict],
    ];
  });
  const bulk = DIRECTIONS.flatMap((direction): Verdict[] => {
    const ratio = ledger.ratio(farBulkFigure(direction), "holdfast", "bore");
    if (ratio === undefined) return [];
    const verdict =
      ratio.median >= FAR_BULK_SHARE ? MET : `missed: ${percent(1 - ratio.median)} slower than bore`;
    const reach = `${FAR_BULK_SHARE} × bore: the line is the limit`;
    return [
      [`bulk ${direction} over ${FAR_LINE.roundTripMs} ms, 1 stream`, reach, showRatio(ratio), verdict],
    ];
  });
  return [...setUps, ...bulk];
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
    return limit === undefined
      ? []
      : atMost(`\`${command}\``, "`node -e 0`", { median: ratio, bound: undefined }, limit);
  });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
