// Both outputs of an exec from one stream: a reader that is slow with either stops the source, and nothing grows.
import { duplexPair } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Outputs } from "../../src/docker/process/outputs.ts";
import { frame } from "./fake-engine.ts";

const PIECE = Buffer.alloc(32_768, "x");
const MOST = 64 * 1_024 * 1_024;

/** Sends frames of these outputs in turn, as fast as they are taken, and counts what was. */
function stage(turns: readonly (1 | 2)[]): { outputs: Outputs; sent: () => number; ends: unknown[] } {
  const [far, near] = duplexPair();
  const ends: unknown[] = [];
  const outputs = new Outputs({
    source: near,
    terminal: false,
    heard: () => undefined,
    onEnd: (broken) => ends.push(broken),
  });
  let sent = 0;
  let turn = 0;
  const more = (): void => {
    const output = turns[turn++ % turns.length] ?? 1;
    sent += PIECE.length;
    if (sent < MOST) far.write(frame(output, PIECE), more);
    else far.end();
  };
  more();
  return { outputs, sent: () => sent, ends };
}

const rounds = async (count: number): Promise<void> => {
  for (let round = 0; round < count; round++) await setImmediate();
};

describe("the outputs of an exec", () => {
  it("that nobody reads stop their source", async () => {
    const { sent, outputs } = stage([1]);
    await rounds(300);
    expect(sent()).toBeLessThan(1_000_000);
    outputs.destroy(new Error("enough"));
  });

  it("stop it as well when only one of them is read", async () => {
    const { outputs, sent, ends } = stage([1, 2]);
    let read = 0;
    outputs.stderr.on("data", (piece: Buffer) => (read += piece.length));
    await rounds(300);
    expect(sent()).toBeLessThan(2_000_000);
    // The other one goes on with it.
    let other = 0;
    outputs.stdout.on("data", (piece: Buffer) => (other += piece.length));
    while (ends.length === 0) await setImmediate();
    await rounds(5);
    expect(read + other).toBeGreaterThan(MOST - 2 * PIECE.length);
    expect(ends).toEqual([undefined]);
  });

  it("go on when one of them is wanted no more", async () => {
    const { outputs, ends } = stage([1, 2]);
    let read = 0;
    outputs.stderr.on("data", (piece: Buffer) => (read += piece.length));
    await rounds(300);
    outputs.stdout.destroy();
    while (ends.length === 0) await setImmediate();
    await rounds(5);
    expect(read).toBeGreaterThan(MOST / 2 - 2 * PIECE.length);
  });
});
