// The figures that sessions have to reach, each with what was measured and whether that is enough.
import { DEFAULT_SESSION_LIMITS } from "@holdfast/core/session";
import { median, quantile } from "../statistics.ts";
import { number, type Row } from "../table.ts";
import { WINDOW_MS } from "./kinds.ts";
import type { Findings } from "./report.ts";
import { ROUND_TRIP_MS, WAKE_ROUND_TRIPS, type ResumeFigures } from "./resume.ts";

const SLACK_MS = 100;
/** Of a bare connection's rate, on a line that is slower than both. */
const LONG_SHARE = 0.95;

export function judge({ transfers, throughput, resume, long }: Findings): Row[] {
  return [
    // One that is wrong would have ended the run.
    ...(throughput === undefined || transfers === 0
      ? []
      : [["bytes lost, doubled or changed", "0", "0", "met"]]),
    ...(resume === undefined ? [] : judgeResume(resume)),
    ...(long === undefined ? [] : [judgeLong(long)]),
  ];
}

function judgeResume({ afterCut, afterWake, underCuts }: ResumeFigures): Row[] {
  const wakes = [...afterWake].map(([transport, times]) => {
    const roundTrips = WAKE_ROUND_TRIPS.get(transport) ?? 0;
    const reach = `${roundTrips} round trips + ${SLACK_MS} ms`;
    const most = roundTrips * ROUND_TRIP_MS + SLACK_MS;
    return atMost(`wake signal to bytes, ${transport}: p99, ms`, reach, quantile(times, 0.99), most);
  });
  const bound = DEFAULT_SESSION_LIMITS.replayBytes / 1e6;
  const again = underCuts.map(({ path, cuts, replayedBytes }) =>
    atMost(
      `sent again for each cut, ${path}, MB`,
      `the replay bound, ${number(bound, 1)}`,
      replayedBytes / cuts / 1e6,
      bound,
    ),
  );
  return [
    atMost(
      "cut to echo: p99, ms",
      `the window, ${WINDOW_MS} ms, + ${SLACK_MS} ms`,
      quantile(afterCut, 0.99),
      WINDOW_MS + SLACK_MS,
    ),
    ...wakes,
    ...again,
  ];
}

function judgeLong(long: NonNullable<Findings["long"]>): Row {
  const rate = (how: "bare" | "session"): number => median(long[how].map((each) => each.rate));
  const share = rate("session") / rate("bare");
  const verdict = share >= LONG_SHARE ? "met" : `missed: ${number(share, 2)} × bare`;
  return ["one stream down a long path", `${LONG_SHARE} × bare`, number(share, 2), verdict];
}

function atMost(figure: string, reach: string, measured: number, most: number): Row {
  const digits = most < 10 ? 2 : 0;
  const verdict = measured <= most ? "met" : `missed: by ${number(measured - most, digits)}`;
  return [figure, `at most ${reach}`, number(measured, digits), verdict];
}
