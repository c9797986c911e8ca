// What a case demands, in words of its own: the suite runs under any test runner, or none.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** Nothing in a case may take longer, in milliseconds, however busy the machine is. */
const PATIENCE_MS = 20_000;

/** @throws Error with the message if the demand is not met. */
export function demand(met: boolean, message: string): asserts met {
  if (!met) throw new Error(message);
}

/** What the promise gives; rejects when patience runs out. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const over = new AbortController();
  const tooLate = sleep(PATIENCE_MS, undefined, { signal: over.signal }).then(
    () => Promise.reject(new Error(`${what}: nothing after ${PATIENCE_MS / 1000} s`)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    over.abort();
  }
}

/** Wait until it is so; rejects when patience runs out. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    demand(performance.now() < end, `${what}: not after ${PATIENCE_MS / 1000} s`);
    await sleep(1);
  }
}

/** The error of a promise that has to reject. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  const outcome = await soon(
    promise.then(
      () => undefined,
      (error: unknown) => ({ error }),
    ),
    what,
  );
  demand(outcome !== undefined, `${what}: succeeded`);
  return outcome.error;
}

/** Let everything that is due now happen. Only to see that something does not. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await sleep(1);
}

/** Bytes that no two calls with different seeds share. */
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
