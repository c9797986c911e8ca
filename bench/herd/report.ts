// The figures as a page.
import { missed, shown, type Figures } from "./figures.ts";

export interface Row {
  readonly name: string;
  readonly capacitySeconds: number;
  readonly outageSeconds: number;
  readonly figures: Figures;
}

export interface Report {
  readonly clients: number;
  readonly seeds: number;
  readonly otherClients: number;
  readonly ours: readonly Row[];
  readonly withoutHints: readonly Row[];
  readonly others: readonly Row[];
}

const HEAD = [
  "| | N/C (s) | away (s) | t50 | t99 | t100 | attempts / client | wasted / client | peak (x C) | target |",
  "|---|---|---|---|---|---|---|---|---|---|",
];

export function pageOf(report: Report): string {
  return [
    "# A herd comes back",
    "",
    "N clients lose their links at one instant; the relay is away for a while, then accepts C a second. It queues two",
    "seconds of work and refuses the rest, and a refusal costs a tenth of an accept. Each attempt takes 20 to 80 ms.",
    "Times are seconds after the relay is back, so the ideal t100 is N/C. Wasted: refused attempts.",
    "",
    `This page is written by \`npm run bench -- herd\`. Holdfast's clients are the real reconnect machine with its default`,
    `policy, ${report.clients} in one world, and the relay's hints are the tunnel relay's real reservation; each row is the worst`,
    `of ${report.seeds} seeds. The other libraries are the delays of their sources, ${report.otherClients} clients, one seed.`,
    "",
    "![how much of the herd is back](herd.svg)",
    "",
    "Target: t99 within max(1.1 N/C, 11 s), t100 within max(1.13 N/C, 11 s), at most 1.1 wasted attempts a client, and",
    "nobody gives up. The bench fails if a row with hints misses it.",
    "",
    "## Holdfast, hints on",
    "",
    "*private*: the links were cut. *peer*: the relay ended them; its handshake had announced a window of N/C.",
    "",
    ...table(report.ours),
    "",
    "## Holdfast, a relay that does not hint",
    "",
    ...table(report.withoutHints),
    "",
    "## Other libraries",
    "",
    "None of them knows a hint.",
    "",
    ...table(report.others),
    "",
  ].join("\n");
}

function table(rows: readonly Row[]): readonly string[] {
  return [...HEAD, ...rows.map(rowOf)];
}

export function rowOf({ name, capacitySeconds, outageSeconds, figures }: Row): string {
  const { t50, t99, t100, attempts, wasted, peak } = figures;
  const target = missed(figures, capacitySeconds).length === 0 ? "met" : "missed";
  const cells = [
    name,
    capacitySeconds,
    outageSeconds,
    shown(t50),
    shown(t99),
    shown(t100),
    attempts.toFixed(1),
    wasted.toFixed(2),
    peak < 1 ? "< 1" : peak.toFixed(0),
    target,
  ];
  return `| ${cells.join(" | ")} |`;
}
