// Blocks of memory are used again once nobody needs them, and only then.
import { describe, expect, it } from "vitest";
import { Block, BLOCK_BYTES } from "./block.ts";

describe("a block", () => {
  it("goes on where the last read ended, until too little is left", () => {
    const block = take();
    const first = block.hold(100_000);
    expect(first.length).toBe(100_000);
    expect(block.room.byteOffset).toBe(first.byteOffset + 100_000);
    expect(block.full).toBe(false);
    block.hold(BLOCK_BYTES - 100_000 - 65_535);
    expect(block.full).toBe(true);
    block.leave();
  });

  it("is given out again only when every part was released and nobody reads into it", () => {
    const block = take();
    const [one, two] = [block.hold(10), block.hold(10)];
    expect([one.length, two.length]).toEqual([10, 10]);
    block.release();
    block.leave();
    const other = take();
    expect(other).not.toBe(block);
    other.leave();
    block.release();
    // Now it is the one that was used last.
    const again = take();
    expect(again).toBe(block);
    expect(again.room.length).toBe(BLOCK_BYTES);
    again.leave();
  });

  it("is not given out while it is read into, though nothing of it is held", () => {
    const block = take();
    block.hold(10);
    block.release();
    const other = take();
    expect(other).not.toBe(block);
    other.leave();
    block.leave();
  });

  it("is not to be had when too many are read into", () => {
    const all: Block[] = [];
    for (let block = Block.take(); block !== undefined; block = Block.take()) all.push(block);
    expect(all.length * BLOCK_BYTES).toBe(32 * 1_024 * 1_024);
    for (const block of all) block.leave();
    take().leave();
  });
});

function take(): Block {
  const block = Block.take();
  if (block === undefined) throw new Error("no block is left");
  return block;
}
