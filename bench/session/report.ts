// What was measured of sessions, as Markdown.
import { lowerBound, median, quantile } from "../statistics.ts";
import { machineLine, number, roundCount, table } from "../table.ts";
import type { CoreFigures } from "./core.ts";
import { KINDS, WINDOW_MS, type How } from "./kinds.ts";
import { LINE_BYTES_PER_SECOND, LONG_ROUND_TRIP_MS, type LongStream } from "./long-stream.ts";
import { ROUND_TRIP_MS, type ResumeFigures } from "./resume.ts";
import { TESTS, throughputKey, type Pair, type Test, type Throughput } from "./throughput.ts";
import { judge } from "./verdicts.ts";

export interface Findings {
  readonly rounds: number;
  readonly transfers: number;
  readonly throughput: Throughput | undefined;
  readonly resume: ResumeFigures | undefined;
  readonly long: Record<How, LongStream[]> | undefined;
  readonly core: CoreFigures | undefined;
}

const TITLES: Readonly<Record<Test, string>> = {
  "bulk 1": "1 stream, MB/s",
  "bulk 8": "8 streams, MB/s",
  small: "64 B writes, thousands/s",
};

export function report(findings: Findings, date: Date): string {
  const { throughput, resume, long, core } = findings;
  const verdicts = judge(findings);
  return [
    `${machineLine(date)}; ${roundCount(findings.rounds)}. Everything on loopback, client and server in processes of their own.`,
    ...(verdicts.length === 0
      ? []
      : ["### Figures to reach", table(["figure", "to reach", "measured", ""], verdicts)]),
    ...(throughput === undefined ? [] : throughputSection(throughput, findings.transfers)),
    ...(resume === undefined ? [] : resumeSection(resume)),
    ...(long === undefined ? [] : longSection(long)),
    ...(core === undefined
      ? []
      : [
          "### The session by itself",
          `Two ends back to back in one process, without links: ${number(core.bulk / 1e9, 1)} GB/s in writes of 64 KiB, ${number(core.small / 1e6, 2)} million messages of 64 bytes a second.`,
        ]),
  ].join("\n\n");
}

function throughputSection(throughput: Throughput, transfers: number): string[] {
  const rows = TESTS.flatMap((test) =>
    KINDS.map((kind) => {
      const pairs = throughput.get(throughputKey(test, kind)) ?? [];
      const unit = test === "small" ? 64_000 : 1e6;
      const of = (how: How): string => number(median(pairs.map((pair) => pair[how])) / unit, 0);
      return [`${TITLES[test]}, ${kind}`, of("bare"), of("session"), showRatio(pairs)];
    }),
  );
  return [
    "### Throughput, client to server",
    "Bare: a connection for each stream. Medians; the ratio is the median of the rounds' ratios, the lower 90 % bound in parentheses. No figure is set for it: tunnels have some.",
    table(["", "bare", "session", "session : bare"], rows),
    `${transfers} hashed transfers in sessions over each kind of link, six at once, 0 B to 3 MB: all byte for byte right.`,
  ];
}

function showRatio(pairs: readonly Pair[]): string {
  const ratios = pairs.map(({ bare, session }) => session / bare);
  const bound = lowerBound(ratios);
  return `${number(median(ratios), 2)}${bound === undefined ? "" : ` (${number(bound, 2)})`}`;
}

function resumeSection(figures: ResumeFigures): string[] {
  const { afterCut, afterWake, underCuts } = figures;
  const row = (what: string, times: readonly number[]): string[] => [
    what,
    String(times.length),
    ...[0.5, 0.99].map((share) => number(quantile(times, share), 0)),
  ];
  const wakes = [...afterWake].map(([transport, times]) => [
    ...row(`wake signal to bytes, ${transport}, over ${ROUND_TRIP_MS} ms`, times),
    `${number(median(times) / ROUND_TRIP_MS, 1)} round trips`,
  ]);
  return [
    "### Back on another link",
    `After a cut a line redials within the window that the other end announced, at random: here ${WINDOW_MS} ms, where a relay for many would say more. After a wake signal it dials at once; the round trip is that of a path which delays the handshake of TCP as well.`,
    table(["", "times", "p50, ms", "p99, ms", ""], [[...row("cut to echo", afterCut), ""], ...wakes]),
    "One stream at full speed whose link is cut every 300 ms, and woken at once: what it costs to resume, and to send again what was under way.",
    table(
      [
        "",
        "cuts",
        "of the throughput without",
        "resumed after, p50, ms",
        "p99, ms",
        "sent again for each, MB",
      ],
      underCuts.map(({ path, cuts, shares, resumedMs, replayedBytes }) => [
        path,
        String(cuts),
        number(median(shares), 2),
        number(median(resumedMs), 0),
        number(quantile(resumedMs, 0.99), 0),
        number(replayedBytes / cuts / 1e6, 2),
      ]),
    ),
  ];
}

function longSection(long: Record<How, LongStream[]>): string[] {
  const rows = (["bare", "session"] as const).map((how) => {
    const full = long[how].map(({ fullAfterMs }) => fullAfterMs ?? Number.NaN);
    const rate = median(long[how].map((each) => each.rate));
    return [
      how,
      number(rate / 1e6, 1),
      number(rate / LINE_BYTES_PER_SECOND, 2),
      number(median(full) / 1_000, 1),
    ];
  });
  return [
    "### One stream down a long path",
    `${LONG_ROUND_TRIP_MS} ms, ${LINE_BYTES_PER_SECOND / 1e6} MB/s: the rate over the last half of the time, and when 80 % of the line's rate was reached for the first time.`,
    table(["", "MB/s", "of the line", "80 % after, s"], rows),
  ];
}
