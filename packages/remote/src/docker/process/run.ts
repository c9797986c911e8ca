// A short command in the container, run to its end: what files, signals and the probe are made of.
import type { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { Exec, type ExecPlace } from "./exec.ts";
import { pause } from "./pause.ts";

export interface RunOptions {
  readonly stdin?: Uint8Array;
  /** Of stdout, in bytes; more rejects with `too_large`. Default 1 MiB. */
  readonly mostOutput?: number;
  /** Default 120,000. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const MOST_OUTPUT_BYTES = 1_024 * 1_024;
const MOST_STDERR_BYTES = 16 * 1_024;
const RUN_TIMEOUT_MS = 120_000;

/** @throws HoldfastError `too_large`, `timed_out`, `link_lost`, and what the engine says. */
export async function run(
  place: ExecPlace,
  command: readonly string[],
  { stdin, mostOutput = MOST_OUTPUT_BYTES, timeoutMs = RUN_TIMEOUT_MS }: RunOptions = {},
): Promise<RunResult> {
  const { user } = place;
  const asked = { command, environment: ["LC_ALL=C"], directory: undefined, terminal: false };
  const exec = await Exec.start(place, { ...asked, user, stdin: stdin !== undefined });
  const over = new AbortController();
  try {
    if (stdin !== undefined) exec.stdin.end(stdin);
    const result = Promise.all([
      exec.exited,
      collect(exec.stdout, mostOutput),
      collect(exec.stderr, MOST_STDERR_BYTES),
    ]);
    const [code, stdout, stderr] = await Promise.race([result, tooLate(place, timeoutMs, over.signal)]);
    return { code, stdout, stderr: stderr.toString() };
  } finally {
    over.abort();
    exec.abandon();
  }
}

async function tooLate(place: ExecPlace, timeoutMs: number, over: AbortSignal): Promise<never> {
  // Whoever wins the race ends the wait; the loser's rejection is nobody's business.
  await pause(place.clock, timeoutMs, over);
  const message = `a command in the container took longer than ${timeoutMs / 1_000} s`;
  throw new HoldfastError({ code: "timed_out", message, fault: "peer" });
}

async function collect(stream: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > most) throw tooLarge(most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** More than was asked for, or than is ever held in memory. */
export function tooLarge(most: number): HoldfastError {
  const message = `it is larger than ${most} bytes`;
  const hint = "read it in ranges";
  return new HoldfastError({ code: "too_large", message, hint, kind: "fatal", fault: "peer" });
}
