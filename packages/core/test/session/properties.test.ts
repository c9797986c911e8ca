// Two sessions, everything random: limits, writes, partial reads, ends, pieces of any length, cuts at any byte. Every
// byte that is read is held against what was written; no bound is ever passed; at the end all is delivered and
// forgotten.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_SESSION_LIMITS, KIND, Pool } from "../../src/session/index.ts";
import type { SessionLimits, SessionStream } from "../../src/session/index.ts";
import { type End, Pair } from "./pair.ts";

/** xorshift32: quick, and the same everywhere. */
class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  power(least: number, most: number): number {
    return 2 ** (least + this.below(most - least + 1));
  }
}

function drawLimits(draw: Draw): Partial<SessionLimits> {
  return {
    maxFrameBytes: draw.power(6, 12),
    initialCredit: draw.power(4, 15),
    maxStreams: 3 + draw.below(8),
    replayBytes: draw.power(10, 16),
    maxWindow: draw.power(9, 16),
    growthBytes: draw.power(10, 16),
    queueBytes: draw.power(8, 14),
    sliceBytes: draw.power(5, 11),
    aheadBytes: draw.power(6, 14),
    ackBytes: draw.power(5, 12),
  };
}

const byteAt = (id: number, fromClient: boolean, offset: number): number =>
  Math.imul(offset + id * 7_919 + (fromClient ? 1 : 0), 2_654_435_761) >>> 24;

interface Side {
  readonly stream: SessionStream;
  readonly mine: boolean;
  written: number;
  read: number;
  finished: boolean;
}

/** The applications at both ends. */
class Apps {
  readonly sides = new Map<SessionStream, Side>();
  readonly draw: Draw;
  readonly pair: Pair;
  opened = 0;
  forgotten = 0;
  checked = 0;

  constructor(pair: Pair, draw: Draw) {
    this.pair = pair;
    this.draw = draw;
  }

  act(end: End, busy: boolean): void {
    const { draw } = this;
    const client = end === this.pair.client;
    if (busy && this.opened < 30 && draw.below(8) === 0 && end.session.canOpen) {
      const stream = end.session.open(KIND.tcp, new Uint8Array(draw.below(30)));
      this.add(stream, client);
      this.opened += 1;
    }
    for (const side of this.sides.values()) {
      if (side.mine === client) this.actOn(side, client, busy);
    }
  }

  add(stream: SessionStream, mine: boolean): void {
    this.sides.set(stream, { stream, mine, written: 0, read: 0, finished: false });
  }

  actOn(side: Side, client: boolean, busy: boolean): void {
    const { draw } = this;
    const { stream } = side;
    if (!side.finished && stream.writable && draw.below(2) === 0) {
      const bytes = new Uint8Array(1 + draw.below(draw.power(0, 13)));
      for (let i = 0; i < bytes.length; i++) bytes[i] = byteAt(stream.id, client, side.written + i);
      stream.write(bytes);
      side.written += bytes.length;
    }
    if (!busy || draw.below(30) === 0) {
      stream.end();
      side.finished = true;
    }
    if (busy && draw.below(150) === 0) stream.reset();
    if (busy && draw.below(150) === 0) stream.stop();
    if (draw.below(3) > 0) this.readFrom(side, client, draw.below(4));
    else if (!busy) this.readFrom(side, client, 1_000);
  }

  readFrom(side: Side, client: boolean, pieces: number): void {
    const { stream } = side;
    for (let i = 0; i < pieces; i++) {
      const piece = stream.read();
      if (piece === undefined) return;
      for (const byte of piece) {
        if (byte !== byteAt(stream.id, !client, side.read)) {
          throw new Error(`stream ${stream.id}: byte ${side.read} is wrong`);
        }
        side.read += 1;
      }
      this.checked += piece.length;
      stream.consumed(piece.length);
    }
  }

  hear(end: End): void {
    for (const event of end.events.splice(0)) {
      if (event.type === "opened") this.add(event.stream, end === this.pair.client);
      if (event.type === "ended" || event.type === "link_failed") throw new Error(JSON.stringify(event));
      if (event.type === "forgotten") {
        const { received } = event.stream;
        const side = this.sides.get(event.stream)!;
        const other = [...this.sides.values()].find(
          ({ stream, mine }) => stream.id === event.stream.id && mine !== side.mine,
        );
        if (received?.type === "finished" && other !== undefined && event.stream.readableBytes === 0) {
          // Muted by ourselves is not read to the end; everything else is.
          if (side.read < event.stream.bytesIn && side.stream.sent?.type === "finished") {
            throw new Error(`stream ${event.stream.id} ended with bytes unread`);
          }
        }
        this.forgotten += 1;
      }
    }
  }
}

/** Bytes on their way in one direction. */
class Way {
  bytes: Uint8Array[] = [];
  length = 0;

  push(piece: Uint8Array): void {
    // As a kernel would: what is written is copied.
    this.bytes.push(piece.slice());
    this.length += piece.length;
  }

  take(most: number): Uint8Array | undefined {
    const first = this.bytes.shift();
    if (first === undefined) return undefined;
    const taken = first.subarray(0, most);
    if (most < first.length) this.bytes.unshift(first.subarray(most));
    this.length -= taken.length;
    return taken;
  }

  clear(): void {
    this.bytes = [];
    this.length = 0;
  }
}

function run(seed: number): number {
  const draw = new Draw(seed);
  const raw = drawLimits(draw);
  const pool = new Pool(draw.power(12, 20));
  const shared = { growthPool: new Pool(draw.power(12, 16)), replayPool: pool };
  const pair = new Pair({ raw, clientOptions: shared, serverOptions: shared }).begin();
  const apps = new Apps(pair, draw);
  const ways = new Map([
    [pair.client, new Way()],
    [pair.server, new Way()],
  ]);
  const linkBytes = draw.power(8, 14);
  const most = (raw.replayBytes ?? 0) + 65_536 + (raw.maxFrameBytes ?? 0) + 64;
  for (let step = 0; step < 60_000; step++) {
    const busy = step < 400;
    for (const end of [pair.client, pair.server]) {
      apps.act(end, busy);
      const way = ways.get(end)!;
      for (;;) {
        const piece = end.session.pollTransmit(linkBytes - way.length, pair.now);
        if (piece === undefined) break;
        way.push(piece);
      }
      const count = draw.below(6);
      for (let i = 0; i < count; i++) {
        const piece = way.take(1 + draw.below(draw.power(0, 11)));
        if (piece !== undefined) pair.other(end).session.receive(piece, pair.now);
      }
      expect(end.session.figures.unackedBytes).toBeLessThanOrEqual(most);
      for (const stream of end.session.streams()) {
        expect(stream.readableBytes).toBeLessThanOrEqual(
          Math.max(raw.maxWindow ?? 0, raw.initialCredit ?? 0),
        );
      }
    }
    pair.now += draw.below(10);
    for (const end of [pair.client, pair.server]) {
      if (end.session.nextTimeout() <= pair.now) end.session.timeout(pair.now);
    }
    pair.collect();
    apps.hear(pair.client);
    apps.hear(pair.server);
    if (busy && draw.below(40) === 0) {
      for (const way of ways.values()) way.clear();
      pair.cut();
      for (let i = draw.below(4); i > 0; i--)
        for (const end of [pair.client, pair.server]) apps.act(end, busy);
      pair.resume();
    }
    if (!busy && [...pair.client.session.streams(), ...pair.server.session.streams()].length === 0) {
      const unacked = pair.client.session.figures.unackedBytes + pair.server.session.figures.unackedBytes;
      if (unacked > 0) continue;
      expect(pool.free).toBe(pool.size);
      expect(shared.growthPool.free).toBe(shared.growthPool.size);
      return apps.checked;
    }
  }
  const stuck = [pair.client, pair.server].map(({ session }) => [
    session.figures,
    [...session.streams()].map((s) => [s.id, s.sent, s.received, s.queuedBytes, s.readableBytes]),
  ]);
  throw new Error(`not all was delivered: ${JSON.stringify(stuck)}`);
}

describe("two sessions over links that are cut at any byte", () => {
  it("lose nothing, repeat nothing, and keep to their limits", () => {
    expect(DEFAULT_SESSION_LIMITS.replayBytes).toBeGreaterThan(0);
    let checked = 0;
    const given = process.env["HOLDFAST_SEED"];
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        checked += run(seed);
      }),
      { numRuns: 12, seed: given === undefined ? 20_261_122 : Number(given), endOnFailure: true },
    );
    expect(checked).toBeGreaterThan(250_000);
  }, 180_000);
});
