// A relay with thousands of clients that is killed: who is back when, against the figure for herds: 99 % within
// 1.1 × N/C or the longest delay and a second, whichever is more.
import { dirname, join } from "node:path";
import { pause } from "../processes/condition.ts";
import type { Program } from "../processes/program.ts";
import { number, table } from "../table.ts";
import { relayPlace, startHoldfastRelay } from "../tunnel/holdfast-way.ts";
import type { Stage } from "../tunnel/stage.ts";
import { atLeast, atMost } from "./verdict.ts";

export const CLIENTS = 2_000;
const PROCESSES = 4;
/** What the relay lets in each second, its default. */
const HANDSHAKES_PER_SECOND = 500;
const LONGEST_DELAY_MS = 10_000;
const AWAY_MS = 2_000;
const PATIENCE_MS = 180_000;

interface Return {
  readonly afterMs: number;
  readonly dials: number;
  readonly kept: boolean;
}

export async function measureReturn(stage: Stage, clients: number): Promise<string> {
  const place = await relayPlace(stage);
  const { program: relay } = await startHoldfastRelay(stage, place);
  const idle = relay.memory().resident;
  const share = clients / PROCESSES;
  const processes = Array.from({ length: PROCESSES }, (_, index) =>
    stage.start(process.execPath, [
      join(here(), "clients.js"),
      String(place.port),
      String(index * share),
      String(share),
    ]),
  );
  for (const each of processes) await each.says(/all there/, PATIENCE_MS);
  const full = relay.memory().resident;
  await relay.kill();
  // Part of the measurement: how long there is no relay.
  await pause(AWAY_MS);
  await startHoldfastRelay(stage, place);
  const readyAt = Date.now();
  for (const each of processes) await each.says(/all back/, PATIENCE_MS);
  const returns = processes.flatMap((each) => returnsOf(each, readyAt));
  if (returns.length !== clients) throw new Error(`${returns.length} of ${clients} came back`);
  return report(returns, (full - idle) / clients);
}

function returnsOf({ output }: Program, readyAt: number): Return[] {
  return [...output.matchAll(/^back (\d+) (\d+) (kept|lost)$/gm)].map(([, at, dials, port]) => ({
    afterMs: Number(at) - readyAt,
    dials: Number(dials),
    kept: port === "kept",
  }));
}

function report(returns: readonly Return[], bytesPerClient: number): string {
  const times = returns.map(({ afterMs }) => afterMs).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.ceil(share * times.length) - 1] ?? Number.NaN;
  const figureMs = Math.max((1.1 * 1_000 * returns.length) / HANDSHAKES_PER_SECOND, LONGEST_DELAY_MS + 1_000);
  const dials = returns.reduce((sum, each) => sum + each.dials, 0) / returns.length;
  const kept = returns.filter((each) => each.kept).length;
  const row = (what: string, measured: string): string[] => [what, measured, "", ""];
  const rows = [
    row("clients, each with a tunnel", String(returns.length)),
    row("half are back after, s", number(at(0.5) / 1_000, 2)),
    ["99 % are back after, s", ...atMost(at(0.99) / 1_000, figureMs / 1_000, [2, 1])],
    ["all are back after, s", ...atMost(at(1) / 1_000, ((1.13 / 1.1) * figureMs) / 1_000, [2, 1])],
    ["on their own port", ...atLeast(kept, returns.length)],
    row("dials of each, those without a relay included", number(dials, 2)),
    row("memory of the relay for each, KiB", number(bytesPerClient / 1_024, 1)),
  ];
  return [
    "### The relay's return",
    `The relay is killed, and started again after ${AWAY_MS / 1_000} s; times count from the moment that it listens.`,
    table(["", "measured", "to reach", ""], rows),
  ].join("\n\n");
}

function here(): string {
  return dirname(new URL(import.meta.url).pathname);
}
