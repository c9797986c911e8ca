// Credit, windows and their pools, queues, turns, the memory of all sessions together.
import { describe, expect, it } from "vitest";
import { KIND, Pool } from "../../src/session/index.ts";
import type { SessionStream } from "../../src/session/index.ts";
import { hexOf, Pair, type PairOptions, pattern, readAll, textBytes } from "./pair.ts";

const NOTHING = new Uint8Array(0);

function joined(options: PairOptions = {}): { pair: Pair; here: SessionStream; there: SessionStream } {
  const pair = new Pair(options).begin();
  pair.flow();
  const here = pair.client.session.open(KIND.tcp, NOTHING);
  pair.flow();
  return { pair, here, there: pair.opened(pair.server, 1) };
}

describe("credit", () => {
  it("stops a stream whose reader does not consume, and no other", () => {
    const { pair, here, there } = joined();
    const second = pair.client.session.open(KIND.tcp, NOTHING);
    here.write(pattern(200_000));
    second.write(pattern(10_000));
    second.end();
    pair.pass(1_000);
    expect(there.readableBytes).toBe(16_384);
    expect(readAll(pair.opened(pair.server, second.id)).length).toBe(10_000);
    expect(here.queuedBytes).toBe(200_000 - 16_384);
  });

  it("is given for what was consumed, not for what was read, and never for more", () => {
    const { pair, here, there } = joined();
    here.write(pattern(200_000));
    pair.pass(1_000);
    while (there.read() !== undefined) {
      // Read, and not done with.
    }
    pair.pass(1_000);
    expect(there.readableBytes).toBe(0);
    there.consumed(1e9);
    pair.pass(1_000);
    expect(there.bytesIn).toBe(2 * 16_384);
  });

  it("of nothing is replaced by a first grant", () => {
    const { pair, here, there } = joined({ server: { initialCredit: 0 } });
    here.write(pattern(1_000));
    pair.pass(10);
    expect(readAll(there).length).toBe(1_000);
  });

  it("lets a window grow while it holds the sender up, out of both pools, and goes back at the end", () => {
    const growthPool = new Pool(100_000);
    const { pair, here, there } = joined({ server: { growthBytes: 200_000 }, serverOptions: { growthPool } });
    let written = 0;
    const most: number[] = [];
    for (let i = 0; i < 60; i++) {
      while (here.writable && written < 4e6) {
        here.write(pattern(20_000));
        written += 20_000;
      }
      pair.pass(1);
      most.push(there.readableBytes);
      readAll(there);
    }
    expect(Math.max(...most)).toBeGreaterThan(60_000);
    expect(Math.max(...most)).toBeLessThanOrEqual(16_384 + 100_000);
    expect(growthPool.free).toBeLessThan(100_000 - 40_000);
    here.reset();
    there.reset();
    pair.flow();
    expect(growthPool.free).toBe(100_000);
  });

  it("does not let the window of a slow reader grow", () => {
    const growthPool = new Pool(1e9);
    const { pair, here, there } = joined({ serverOptions: { growthPool } });
    here.write(pattern(250_000));
    for (let i = 0; i < 15; i++) {
      pair.pass(500);
      readAll(there);
    }
    expect(growthPool.free).toBe(1e9);
    expect(there.bytesIn).toBe(15 * 16_384 + 250_000 - 15 * 16_384 - here.queuedBytes);
  });

  it("gives growth back that is not used for ten seconds", () => {
    const growthPool = new Pool(1e9);
    const { pair, here, there } = joined({ serverOptions: { growthPool } });
    for (let i = 0; i < 40; i++) {
      while (here.writable) here.write(pattern(20_000));
      pair.pass(1);
      readAll(there);
    }
    const grown = 1e9 - growthPool.free;
    expect(grown).toBeGreaterThan(100_000);
    // A reader that is slow from now on: what was granted may come, so long it stays taken.
    for (let i = 0; i < 100; i++) {
      while (here.writable) here.write(pattern(20_000));
      pair.pass(2_000);
      expect(there.readableBytes).toBeLessThanOrEqual(16_384 + 1e9 - growthPool.free);
      for (let pieces = 0; pieces < 8; pieces++) there.consumed(there.read()?.length ?? 0);
    }
    expect(1e9 - growthPool.free).toBeLessThan(grown / 4);
  });
});

describe("queues", () => {
  it("tell their writer to wait, and wake it when half is gone", () => {
    const { pair, here, there } = joined({ client: { queueBytes: 40_000 } });
    expect(here.write(pattern(30_000))).toBe(true);
    expect(here.write(pattern(30_000))).toBe(false);
    expect(here.writable).toBe(false);
    expect(() => here.write(textBytes("x"))).toThrow(expect.objectContaining({ code: "queue_full" }));
    pair.flow();
    pair.collect();
    expect(pair.client.events.some(({ type }) => type === "writable")).toBe(false);
    for (let i = 0; i < 3; i++) {
      readAll(there);
      pair.pass(100);
    }
    expect(here.writable).toBe(true);
    expect(pair.client.events.filter(({ type }) => type === "writable").length).toBe(1);
  });

  it("of many tiny writes keep few pieces, and all their bytes in order", () => {
    const { pair, here, there } = joined({ server: { initialCredit: 200_000 } });
    pair.cut();
    for (let i = 0; i < 100_000; i++) here.write(pattern(1, i));
    here.write(pattern(5_000, 100_000));
    for (let i = 0; i < 300; i++) here.write(pattern(1, 105_000 + i));
    pair.resume().pass(100);
    expect(hexOf(readAll(there)) === hexOf(pattern(105_300))).toBe(true);
  });

  it("at the reader's end hold many tiny frames in few pieces", () => {
    const { pair, here, there } = joined();
    for (let i = 0; i < 5_000; i++) {
      here.write(pattern(1, i));
      pair.flow();
    }
    let pieces = 0;
    let read = 0;
    for (let piece = there.read(); piece !== undefined; piece = there.read()) {
      expect(piece).toEqual(pattern(piece.length, read));
      read += piece.length;
      pieces += 1;
    }
    expect(read).toBe(5_000);
    expect(pieces).toBeLessThan(25);
  });
});

describe("turns", () => {
  it("go round: none is passed over while others send", () => {
    const { pair, here } = joined({
      server: { initialCredit: 1_000_000 },
      client: { queueBytes: 1_000_000 },
    });
    const streams = [here, ...Array.from({ length: 3 }, () => pair.client.session.open(KIND.tcp, NOTHING))];
    for (const stream of streams) stream.write(pattern(200_000));
    for (let i = 0; i < 30; i++) {
      const piece = pair.client.session.pollTransmit(1, pair.now);
      if (piece === undefined) break;
      pair.give(pair.server, piece);
      const sent = streams.map(({ bytesOut }) => bytesOut);
      expect(Math.max(...sent) - Math.min(...sent)).toBeLessThanOrEqual(2 * 16_384);
    }
  });

  it("let control and a keystroke pass what is queued elsewhere", () => {
    const { pair, here } = joined({
      server: { initialCredit: 1_000_000 },
      client: { queueBytes: 1_000_000 },
    });
    here.write(pattern(900_000));
    const carry = (): void => {
      pair.give(pair.server, pair.client.session.pollTransmit(1, pair.now) ?? NOTHING);
      pair.give(pair.client, pair.take(pair.server));
    };
    for (let i = 0; i < 4; i++) carry();
    const shell = pair.client.session.open(KIND.tcp, NOTHING);
    shell.write(textBytes("k"));
    for (let i = 0; i < 4; i++) carry();
    expect(readAll(pair.opened(pair.server, shell.id)).length).toBe(1);
    expect(here.queuedBytes).toBeGreaterThan(700_000);
  });
});

describe("the memory of all sessions", () => {
  it("when it is spent lets each go on with little, and takes nothing away", () => {
    const replayPool = new Pool(100_000);
    const { pair, here, there } = joined({
      client: { queueBytes: 100_000 },
      server: { initialCredit: 1_000_000 },
      clientOptions: { replayPool },
    });
    const second = pair.client.session.open(KIND.tcp, NOTHING);
    pair.flow();
    expect(here.write(pattern(90_000))).toBe(true);
    expect(second.write(pattern(20_000))).toBe(false);
    expect(second.writable).toBe(false);
    pair.pass(1_000);
    expect(replayPool.free).toBe(100_000);
    expect(second.writable).toBe(true);
    expect(hexOf(readAll(there)) === hexOf(pattern(90_000))).toBe(true);
    expect(readAll(pair.opened(pair.server, second.id)).length).toBe(20_000);
  });

  it("is given back when a session ends, whatever was kept", () => {
    const replayPool = new Pool(1e6);
    const { pair, here } = joined({ clientOptions: { replayPool } });
    here.write(pattern(200_000));
    pair.take(pair.client);
    expect(replayPool.free).toBeLessThan(800_001);
    pair.client.session.close(0, "", pair.now);
    expect(replayPool.free).toBe(1e6);
  });
});
