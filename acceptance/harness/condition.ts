// Waiting for what must become true, with a deadline and without a guessed time.

const STEP_MS = 10;

/** Wait until `find` gives something. @throws Error that names what was waited for, after `deadlineMs`. */
export async function until<T>(
  what: string,
  find: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 30_000,
): Promise<T> {
  const startedAt = performance.now();
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - startedAt > deadlineMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(STEP_MS);
  }
}

/** Part of what is tested (how long a link lives, a process stands still), never a way to wait for something. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
