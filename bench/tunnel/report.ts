// What was measured, as Markdown: the figures, what they should be, and whether they are.
import { quantile } from "../statistics.ts";
import { machineLine, number, roundCount, table, type Row } from "../table.ts";
import { BULK_TESTS } from "./bulk.ts";
import { DIRECTIONS, FAR_LINE, farBulkFigure, farFullFigure } from "./far-bulk.ts";
import { FAR_ROUND_TRIPS_MS, farSetUpFigure } from "./far-set-up.ts";
import type { Ledger, Ratio } from "./ledger.ts";
import type { MemoryFigures } from "./memory.ts";
import { findPeer } from "./peers.ts";
import type { Recovery } from "./recovery.ts";
import type { StartUp } from "./start-up.ts";
import { bulkFigure } from "./traffic.ts";
import { dialectOf, type WayName } from "./ways.ts";

export interface Findings {
  readonly names: readonly WayName[];
  readonly rounds: number;
  readonly generator: string | undefined;
  readonly ledger: Ledger;
  /** Hashed transfers through each of Holdfast's ways, all of which were right. */
  readonly transfers: number;
  /** Bytes over the long path that were looked at, and were all right. */
  readonly farBytes: number;
  readonly memory: readonly MemoryFigures[];
  readonly recovery: Recovery;
  readonly startUp: readonly StartUp[];
}

export function report(findings: Findings, verdicts: readonly Row[], date: Date): string {
  return [
    circumstances(findings, date),
    ...(verdicts.length === 0
      ? []
      : [heading("Figures to reach"), table(["figure", "to reach", "measured", ""], verdicts)]),
    ...trafficSection(findings),
    ...transfersSection(findings),
    ...farSetUpSection(findings),
    ...farBulkSection(findings),
    ...memorySection(findings.memory),
    ...recoverySection(findings.recovery),
    ...startUpSection(findings.startUp),
  ].join("\n\n");
}

function transfersSection({ names, transfers }: Findings): string[] {
  if (transfers === 0) return [];
  const ways = names.filter((name) => dialectOf(name) !== undefined).join(", ");
  return [
    `${transfers} hashed transfers through each of ${ways}, twelve at once, with half closes and slow readers: all byte for byte right.`,
  ];
}

function circumstances({ names, rounds, generator }: Findings, date: Date): string {
  const peers = (["bore", "rathole"] as const).map((name) =>
    names.includes(name) ? `${name} ${findPeer(name)?.version ?? ""}` : `${name}: not here, not measured`,
  );
  const load = generator === undefined ? "" : `, load by ${generator}`;
  return `${machineLine(date)}; ${peers.join(", ")}${load}; ${roundCount(rounds)}. Everything on loopback.`;
}

interface Figure {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
}

function figures(): Figure[] {
  const bulk = BULK_TESTS.map((test) => {
    const streams = test.streams === 1 ? "1 stream" : `${test.streams} streams`;
    return { key: bulkFigure(test), title: `bulk ${test.direction}, ${streams}, Gbit/s` };
  });
  return [
    ...bulk.map(({ key, title }) => ({ key, title, digits: 1 })),
    ...bulk.map(({ key, title }) => ({
      key: `${key}, cpu`,
      title: title.replace("Gbit/s", "processor s/GB"),
      digits: 2,
    })),
    { key: "split p50", title: "100 B, 2 ms, 100 B, one reply: p50, ms", digits: 2 },
    { key: "split p99", title: "p99", digits: 2 },
    { key: "ping p50", title: "64 B ping-pong: p50, ms", digits: 3 },
    { key: "ping p99", title: "p99", digits: 3 },
    { key: "beside p50", title: "the same beside one upload: p50, ms", digits: 3 },
    { key: "beside p99", title: "p99", digits: 3 },
    { key: "set-up p50", title: "connect and 1 B echo, one by one: p50, ms", digits: 2 },
    { key: "set-up p99", title: "p99", digits: 2 },
    { key: "set-ups a second", title: "the same, 50 at once, a second", digits: 0 },
  ];
}

function trafficSection({ names, ledger, rounds }: Findings): string[] {
  const rows = figures().flatMap(({ key, title, digits }) => {
    if (ledger.figure(key, "holdfast") === undefined) return [];
    const values = names.map((name) => number(ledger.figure(key, name), digits));
    const against = (
      [
        ["holdfast", "bore"],
        ["holdfast-tls", "bore"],
        ["holdfast", "direct"],
      ] as const
    ).map(([name, base]) => showRatio(ledger.ratio(key, name, base)));
    return [[title, ...values, ...against]];
  });
  if (rows.length === 0) return [];
  return [
    heading("Visitors' traffic"),
    `Medians of ${roundCount(rounds)}. Ratios are medians of the rounds' ratios, the lower 90 % bound in parentheses.`,
    table(["", ...names, "holdfast : bore", "holdfast-tls : bore", "holdfast : direct"], rows),
  ];
}

function farSetUpSection({ names, ledger }: Findings): string[] {
  const rows = FAR_ROUND_TRIPS_MS.flatMap((roundTripMs) => {
    const key = farSetUpFigure(roundTripMs);
    if (names.every((name) => ledger.figure(key, name) === undefined)) return [];
    const values = names.map((name) => number(ledger.figure(key, name), 1));
    const saving = savedRoundTrips(ledger, roundTripMs);
    return [[`${roundTripMs} ms: p50, ms`, ...values, saving === undefined ? "-" : showRatio(saving)]];
  });
  if (rows.length === 0) return [];
  return [
    heading("A visitor's set-up, far from the relay"),
    "From connect to the echo of one byte, with a round trip of so much between client and relay (for `direct`, between visitor and service). The path is a program of its own, which delays the handshake of TCP as well.",
    table(["", ...names, "holdfast, round trips less than bore"], rows),
  ];
}

/** How many round trips a set-up through Holdfast is shorter than one through bore. */
export function savedRoundTrips(ledger: Ledger, roundTripMs: number): Ratio | undefined {
  const saving = ledger.saving(farSetUpFigure(roundTripMs), "holdfast", "bore");
  return (
    saving && {
      median: saving.median / roundTripMs,
      bound: saving.bound === undefined ? undefined : saving.bound / roundTripMs,
    }
  );
}

function farBulkSection({ names, ledger, farBytes }: Findings): string[] {
  if (farBytes === 0) return [];
  const rows = DIRECTIONS.flatMap((direction) => {
    const [rate, full] = [farBulkFigure(direction), farFullFigure(direction)];
    const ratios = (["bore", "direct"] as const).map((name) =>
      showRatio(ledger.ratio(rate, "holdfast", name)),
    );
    const values = names.map((name) => number((ledger.figure(rate, name) ?? Number.NaN) / 1e6, 1));
    const times = names.map((name) => {
      const ms = ledger.figure(full, name);
      return ms === undefined ? "-" : Number.isFinite(ms) ? number(ms / 1_000, 1) : "never";
    });
    return [
      [`${direction}, MB/s`, ...values, ...ratios],
      ["80 % of the line after, s", ...times, "", ""],
    ];
  });
  const { roundTripMs, bytesPerSecond } = FAR_LINE;
  return [
    heading("One stream, far from the relay"),
    `A path of ${roundTripMs} ms and ${bytesPerSecond / 1e6} MB/s between client and relay: the rate over the last half of the time. The path is not lossy and needs no slow start of TCP, so \`direct\` and bore, whose visitors have a connection each, are fast at once; a session's stream has a window that grows. ${number(farBytes / 1e9, 1)} GB came, and every byte was compared.`,
    table(["", ...names, "holdfast : bore", "holdfast : direct"], rows),
  ];
}

function memorySection(memory: readonly MemoryFigures[]): string[] {
  if (memory.length === 0) return [];
  const MEBI = 2 ** 20;
  const rows = memory.map(({ name, relay, client, perTunnel, perVisitor }) => [
    name,
    ...[relay, client].map((one) => `${number(one.resident / MEBI, 1)} / ${number(one.anonymous / MEBI, 1)}`),
    `${number(perTunnel.resident / MEBI, 2)} / ${number(perTunnel.anonymous / MEBI, 2)}`,
    `${number(perVisitor.resident / 1024, 1)} / ${number(perVisitor.anonymous / 1024, 1)}`,
  ]);
  const head = [
    "resident / of it anonymous",
    "relay, MiB",
    "client, MiB",
    "per further tunnel, MiB",
    "per idle visitor, KiB",
  ];
  return [
    heading("Memory"),
    "Relay and client with one idle tunnel, a relay that has its key already; what is added counts both. A further tunnel of bore is a client process; holdfast and rathole have several in one. No figure is set for memory.",
    table(head, rows),
  ];
}

function recoverySection(recovery: Recovery): string[] {
  if (recovery.size === 0) return [];
  const rows = [...recovery].map(([label, times]) => {
    const back = times.filter((time) => time !== undefined);
    const shown = [0.5, 0.9, 1].map((share) => number(quantile(back, share) / 1_000, 2));
    return [label, `${back.length} of ${times.length}`, ...(back.length === 0 ? ["-", "-", "-"] : shown)];
  });
  return [
    heading("Back after the relay's return"),
    "The relay is killed, stays away for a while and is started again; seconds from then to the first byte through the tunnel. Who is not back had exited.",
    table(["", "back", "p50", "p90", "most"], rows),
  ];
}

function startUpSection(startUp: readonly StartUp[]): string[] {
  if (startUp.length === 0) return [];
  const rows = startUp.map(({ command, ms, ratio }) => [`\`${command}\``, number(ms, 0), number(ratio, 2)]);
  return [heading("Start-up"), table(["", "p50, ms", "× `node -e 0`"], rows)];
}

export function showRatio(ratio: Ratio | undefined): string {
  // Without a tunnel there is no processor time of one.
  if (ratio === undefined || !Number.isFinite(ratio.median)) return "-";
  const digits = ratio.median >= 10 ? 0 : 2;
  return `${number(ratio.median, digits)}${ratio.bound === undefined ? "" : ` (${number(ratio.bound, digits)})`}`;
}

function heading(text: string): string {
  return `### ${text}`;
}
