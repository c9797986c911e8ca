// The memory of bytes that were written: whoever lent it is told when it may be used again, and no sooner.
import { describe, expect, it } from "vitest";
import { KIND } from "../../src/session/index.ts";
import { hexOf, Pair, pattern, readAll, type End } from "./pair.ts";

/** The link has room for this many bytes, so that cuts fall inside of frames. */
const ROOM_BYTES = 7_001;

describe("the memory of what was written", () => {
  it("is released once, when the other end has the last byte of it", () => {
    const pair = new Pair().begin();
    const stream = pair.client.session.open(KIND.tcp, new Uint8Array(0));
    let released = 0;
    stream.write(pattern(10_000), () => (released += 1));
    const bytes = pair.take(pair.client);
    pair.give(pair.server, bytes.subarray(0, bytes.length - 1));
    pair.pass(100);
    expect(released).toBe(0);
    pair.cut().resume().pass(100);
    expect(released).toBe(1);
    pair.cut().resume().pass(100);
    expect(released).toBe(1);
  });

  it("is released in the order of the writes, short ones as well", () => {
    const pair = new Pair().begin();
    const stream = pair.client.session.open(KIND.tcp, new Uint8Array(0));
    const released: number[] = [];
    for (const [index, bytes] of [3_000, 10, 0, 70_000, 1].entries()) {
      stream.write(pattern(bytes), () => released.push(index));
    }
    for (let i = 0; i < 100; i++) stream.write(pattern(7));
    stream.write(pattern(9), () => released.push(9));
    pair.pass(1_000);
    expect(readAll(pair.opened(pair.server, stream.id)).length).toBeGreaterThan(0);
    for (let i = 0; i < 50; i++) {
      readAndConsume(pair, stream.id);
      pair.pass(50);
    }
    // Nothing was ever taken of the empty one.
    expect(released).toEqual([0, 1, 3, 4, 9]);
  });

  it("may be written over then, whatever is cut", () => {
    const pair = new Pair().begin();
    const all = pattern(2_000_000);
    const stream = pair.client.session.open(KIND.tcp, new Uint8Array(0));
    const spare: Uint8Array[] = [];
    const got: Uint8Array[] = [];
    let [written, read, lent] = [0, 0, 0];
    for (let step = 0; step < 20_000 && read < all.length; step++) {
      while (written < all.length && stream.writable) {
        lent += spare.length === 0 ? 1 : 0;
        const memory = spare.pop() ?? new Uint8Array(30_011);
        const piece = all.subarray(written, written + memory.length);
        memory.set(piece);
        written += piece.length;
        stream.write(memory.subarray(0, piece.length), () => {
          memory.fill(0xee);
          spare.push(memory);
        });
      }
      exchange(pair, pair.client);
      exchange(pair, pair.server);
      if (step % 13 === 0) pair.cut().resume();
      for (const piece of readAndConsume(pair, stream.id)) {
        got.push(piece.slice());
        read += piece.length;
      }
      pair.pass(0);
    }
    expect(read).toBe(all.length);
    expect(hexOf(Buffer.concat(got)) === hexOf(all)).toBe(true);
    // It really was the same memory again and again.
    expect(lent * 30_011).toBeLessThan(all.length);
  });
});

/** One piece of what it has to say; of which, if it is long, only a part arrives before the next cut. */
function exchange(pair: Pair, from: End): void {
  pair.give(pair.other(from), pair.take(from, ROOM_BYTES));
}

function readAndConsume(pair: Pair, id: number): Uint8Array[] {
  pair.collect();
  const there = [...pair.server.session.streams()].find((stream) => stream.id === id);
  const pieces: Uint8Array[] = [];
  for (let piece = there?.read(); piece !== undefined; piece = there?.read()) {
    pieces.push(piece);
    there?.consumed(piece.length);
  }
  return pieces;
}
