// How many bytes a second get through: by iperf3 where it is installed, else by the load generator of this folder.
// Either way sender and receiver are processes of their own.
import { pause } from "../processes/condition.ts";
import { freePort } from "../processes/free-port.ts";
import type { Program } from "../processes/program.ts";
import { findIperf } from "./peers.ts";
import type { Stage } from "./stage.ts";
import { LOOPBACK } from "./address.ts";
import type { Way } from "./ways.ts";

export interface BulkTest {
  readonly direction: "up" | "down";
  readonly streams: 1 | 8;
}

export const BULK_TESTS: readonly BulkTest[] = [
  { direction: "up", streams: 1 },
  { direction: "down", streams: 1 },
  { direction: "up", streams: 8 },
  { direction: "down", streams: 8 },
];

export interface BulkFigure {
  /** Bits a second, as received. */
  readonly rate: number;
  /** Processor seconds of relay and client for each gigabyte. */
  readonly cpuPerGigabyte: number;
}

export interface LoadGenerator {
  readonly name: string;
  /** Where the receiver of uploads, and sender of downloads, listens. */
  readonly port: number;
  run(way: Way, test: BulkTest, seconds: number): Promise<BulkFigure>;
}

export async function startLoadGenerator(stage: Stage, servicePort: number): Promise<LoadGenerator> {
  const iperf = findIperf();
  if (iperf === undefined) {
    return {
      name: "the load generator of this folder",
      port: servicePort,
      run: (way, test, seconds) => runOwn(stage, way, test, seconds),
    };
  }
  const port = await freePort();
  const server = stage.start(iperf.command, ["-s", "-B", LOOPBACK, "-p", String(port), "--forceflush"]);
  await server.says(/Server listening/);
  return {
    name: `iperf3 ${iperf.version}`,
    port,
    run: (way, test, seconds) => runIperf(stage, iperf.command, way, { ...test, seconds }),
  };
}

/** The server takes one test at a time, and may still be at the end of the last one. */
const BUSY_MS = 20_000;
const BUSY_STEP_MS = 100;

async function runIperf(
  stage: Stage,
  command: string,
  way: Way,
  { direction, streams, seconds }: BulkTest & { readonly seconds: number },
): Promise<BulkFigure> {
  const flags = ["-J", "-t", String(seconds), "-P", String(streams), ...(direction === "down" ? ["-R"] : [])];
  const startedAt = performance.now();
  for (;;) {
    const before = cpuOf(way.programs);
    const client = stage.start(command, ["-c", way.host, "-p", String(way.port), ...flags]);
    await client.ended;
    const report = JSON.parse(client.output) as IperfReport;
    const received = report.end?.sum_received;
    if (report.error === undefined && received !== undefined) {
      const cpu = cpuOf(way.programs) - before;
      return { rate: received.bits_per_second, cpuPerGigabyte: cpu / (received.bytes / 1e9) };
    }
    if (performance.now() - startedAt > BUSY_MS + seconds * 1_000) {
      throw new Error(`\`${client.name}\` through ${way.name}: ${String(report.error)}`);
    }
    await pause(BUSY_STEP_MS);
  }
}

interface IperfReport {
  readonly error?: string;
  readonly end?: { readonly sum_received?: { readonly bytes: number; readonly bits_per_second: number } };
}

async function runOwn(stage: Stage, way: Way, test: BulkTest, seconds: number): Promise<BulkFigure> {
  const before = cpuOf(way.programs);
  const args = [test.direction, way.host, String(way.port), String(test.streams), String(seconds)];
  const load = stage.own("load.js", args);
  const [, bytes, ms] = await load.says(/bytes (\d+) in ([\d.]+) ms/);
  await load.ended;
  const cpu = cpuOf(way.programs) - before;
  return { rate: (Number(bytes) * 8_000) / Number(ms), cpuPerGigabyte: cpu / (Number(bytes) / 1e9) };
}

function cpuOf(programs: readonly Program[]): number {
  return programs.reduce((sum, program) => sum + program.cpuSeconds(), 0);
}
