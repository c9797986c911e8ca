// The figures that the design sets, each with what was measured and whether that is enough.
import { BULK_TESTS } from "./bulk.ts";
import type { Ratio } from "./ledger.ts";
import { showRatio, type Findings } from "./report.ts";
import { bulkFigure } from "./traffic.ts";

type Verdict = readonly [figure: string, toReach: string, measured: string, verdict: string];

const MET = "met";

export function judge(findings: Findings): Verdict[] {
  return [...judgeBulk(findings), ...judgeLatency(findings), ...judgeStartUp(findings)];
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
