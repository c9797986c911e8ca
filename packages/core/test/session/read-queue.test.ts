// What a queue of unread slices keeps of the memory that they lie in.
import { expect, test } from "vitest";
import { ReadQueue } from "../../src/session/read-queue.ts";

function all(queue: ReadQueue): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) pieces.push(piece);
  return pieces;
}

test.each([1, 100, 1_000, 1_024, 5_000, 16_000])("slices of %i bytes do not keep all that came", (length) => {
  const queue = new ReadQueue();
  const expected: Uint8Array[] = [];
  for (let i = 0; i < 30; i += 1) {
    const link = new Uint8Array(262_144).fill(i);
    queue.push(link, 1_000, 1_000 + length);
    expected.push(link.subarray(0, length));
  }
  expect(queue.bytes).toBe(30 * length);
  const pieces = all(queue);
  expect(Buffer.concat(pieces).equals(Buffer.concat(expected))).toBe(true);
  expect(queue.bytes).toBe(0);
  const kept = new Set(pieces.map(({ buffer }) => buffer));
  const keptBytes = [...kept].reduce((sum, { byteLength }) => sum + byteLength, 0);
  // All of what the first lies in, and little besides.
  expect(keptBytes).toBeLessThanOrEqual(262_144 + 30 * length + 4_096);
});

test("large slices are not copied, and neither is the first", () => {
  const queue = new ReadQueue();
  const link = new Uint8Array(262_144);
  queue.push(link, 0, 1);
  queue.push(link, 1, 20_001);
  expect(all(queue).map(({ buffer }) => buffer === link.buffer)).toEqual([true, true]);
});
