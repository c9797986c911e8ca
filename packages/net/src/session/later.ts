// Once the present call is over, and before anything else happens: never inside somebody's `write`, and never so late
// that it costs a turn of the event loop.

const host = globalThis as unknown as { queueMicrotask(run: () => void): void };

export function later(run: () => void): void {
  host.queueMicrotask(run);
}
