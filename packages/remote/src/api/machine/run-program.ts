// A small program of the far side, for what files alone cannot tell or do. Its output is bounded.
import type { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import type { ConnectedMachine } from "../../connection/connection.ts";

export interface ProgramResult {
  /** 127 if there is no such program; none after a signal. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const MOST_OUTPUT = 65_536;
const NO_PROGRAM = 127;

/** @throws HoldfastError as `Machine.start` does, but for a program that is not there. */
export async function runProgram(
  machine: ConnectedMachine,
  command: readonly [program: string, ...args: string[]],
): Promise<ProgramResult> {
  let process;
  try {
    process = await machine.start({ command });
  } catch (thrown) {
    if (HoldfastError.from(thrown).code !== "not_found") throw thrown;
    return { code: NO_PROGRAM, stdout: "", stderr: "" };
  }
  process.stdin.on("error", () => undefined);
  process.stdin.end();
  const [stdout, stderr, { code }] = await Promise.all([
    textOf(process.stdout),
    textOf(process.stderr),
    process.ended,
  ]);
  return { code, stdout, stderr };
}

async function textOf(stream: Readable): Promise<string> {
  const pieces: Uint8Array[] = [];
  let kept = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    if (kept >= MOST_OUTPUT) continue;
    pieces.push(piece.subarray(0, MOST_OUTPUT - kept));
    kept += piece.length;
  }
  return Buffer.concat(pieces).toString();
}
