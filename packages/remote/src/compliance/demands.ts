// What a case demands, in words of its own: the suite runs under any test runner, or none.
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";

/** Nothing in a case may take longer, in milliseconds, however busy the machine is. */
const PATIENCE_MS = 20_000;

/** @throws Error with the message if the demand is not met. */
export function demand(met: boolean, message: string): asserts met {
  if (!met) throw new Error(message);
}

/** @throws Error that shows both if they are not the same. */
export function demandSame(is: unknown, wanted: unknown, what: string): void {
  const [isText, wantedText] = [JSON.stringify(is), JSON.stringify(wanted)];
  demand(isText === wantedText, `${what}: ${isText}, not ${wantedText}`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.timer(resolve).set(ms));
}

/** What the promise gives; rejects when patience runs out. */
export async function soon<T>(
  promise: Promise<T>,
  what: string,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  let fire: (() => void) | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    fire = () => reject(new Error(`${what}: nothing after ${patienceMs / 1000} s`));
  });
  const timer = systemClock.timer(() => fire?.());
  timer.set(patienceMs);
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    timer.clear();
  }
}

/** Wait until it is so; rejects when patience runs out. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = systemClock.mono() + PATIENCE_MS;
  while (!condition()) {
    demand(systemClock.mono() < end, `${what}: not after ${PATIENCE_MS / 1000} s`);
    await sleep(2);
  }
}

/** The error of a promise that has to reject with one of these codes. */
export async function failure(
  promise: Promise<unknown>,
  codes: string | readonly string[],
  what: string,
  patienceMs?: number,
): Promise<HoldfastError> {
  const settled = promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const outcome = await soon(settled, what, patienceMs);
  demand(outcome !== undefined, `${what}: succeeded`);
  const { error } = outcome;
  demand(
    error instanceof HoldfastError,
    `${what}: rejected with ${String(error)}, which is no HoldfastError`,
  );
  const wanted = typeof codes === "string" ? [codes] : codes;
  demand(wanted.includes(error.code), `${what}: rejected with ${error.message}, not ${wanted.join(" or ")}`);
  return error;
}

/** Everything that a stream gives. Rejects if it is destroyed before its end. */
export function readAll(stream: Readable, what: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const all = new Promise<Buffer>((resolve, reject) => {
    stream.on("data", (piece: Buffer) => void pieces.push(piece));
    stream.once("end", () => resolve(Buffer.concat(pieces)));
    stream.once("error", reject);
    stream.once("close", () => reject(new Error(`${what}: closed before its end`)));
  });
  return soon(all, what);
}

/** Collects a stream's text as it comes. */
export function watchText(stream: Readable): () => string {
  let text = "";
  stream.on("data", (piece: Buffer) => void (text += piece.toString("latin1")));
  return () => text;
}

/** Bytes that no two calls with different seeds share, and that compress badly. */
export function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
