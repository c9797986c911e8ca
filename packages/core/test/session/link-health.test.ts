// Acknowledgements, round trips, what may be in flight, and when a link that moves nothing is given up.
import { describe, expect, it } from "vitest";
import { KIND } from "../../src/session/index.ts";
import type { SessionStream } from "../../src/session/index.ts";
import { bytesOf, hexOf, type End, Pair, type PairOptions, pattern } from "./pair.ts";

const NOTHING = new Uint8Array(0);

function joined(options: PairOptions = {}): { pair: Pair; here: SessionStream; there: SessionStream } {
  const pair = new Pair(options).begin();
  pair.flow();
  const here = pair.client.session.open(KIND.tcp, NOTHING);
  pair.pass(100);
  return { pair, here, there: pair.opened(pair.server, 1) };
}

describe("acknowledgements", () => {
  it("come 25 ms after the first byte", () => {
    const { pair, here } = joined();
    here.write(pattern(10));
    pair.give(pair.server, pair.take(pair.client));
    const { session } = pair.server;
    expect(session.nextTimeout()).toBe(pair.now + 25);
    pair.now += 10;
    here.write(pattern(10));
    pair.give(pair.server, pair.take(pair.client));
    expect(session.nextTimeout()).toBe(pair.now + 15);
    pair.now += 15;
    session.timeout(pair.now);
    expect(hexOf(pair.take(pair.server)).slice(0, 8)).toBe("10000008");
    expect(session.nextTimeout()).toBe(Infinity);
  });

  it("come at a quarter of the peer's replay bound", () => {
    const { pair, here } = joined({ raw: { replayBytes: 4_096 } });
    here.write(pattern(1_100));
    pair.give(pair.server, pair.take(pair.client));
    expect(hexOf(pair.take(pair.server)).slice(0, 8)).toBe("10000008");
  });

  it("ride along with PONG", () => {
    const { pair, here } = joined();
    here.write(pattern(10));
    pair.client.session.ping(pair.now);
    pair.flow();
    expect(pair.client.session.figures.unackedBytes).toBe(0);
  });
});

describe("round trips", () => {
  it("are measured by PING at the beginning of each link, and told", () => {
    const pair = new Pair().begin();
    const ping = pair.take(pair.client);
    pair.now += 40;
    pair.give(pair.server, ping);
    const pong = pair.take(pair.server);
    pair.now += 30;
    pair.give(pair.client, pong);
    pair.collect();
    expect(pair.client.events).toEqual([{ type: "pong", rttMs: 70 }]);
    expect(pair.client.session.figures.rttMs).toBe(70);
  });
});

/** A path of so many bytes per millisecond and so long a way, with a buffer without end before it. */
class Path {
  readonly #waiting: { at: number; bytes: Uint8Array }[] = [];
  #freeAt = 0;
  readonly #rate: number;
  readonly #delayMs: number;

  constructor(rate: number, delayMs: number) {
    this.#rate = rate;
    this.#delayMs = delayMs;
  }

  push(bytes: Uint8Array, now: number): void {
    this.#freeAt = Math.max(this.#freeAt, now) + bytes.length / this.#rate;
    this.#waiting.push({ at: this.#freeAt + this.#delayMs, bytes });
  }

  due(now: number): Uint8Array[] {
    const out: Uint8Array[] = [];
    while (this.#waiting[0] !== undefined && this.#waiting[0].at <= now)
      out.push(this.#waiting.shift()!.bytes);
    return out;
  }
}

/** Bulk from the client for so long; what was in flight at most in the second half, and the rate there. */
function bulk(
  rate: number,
  delayMs: number,
  forMs: number,
  somebodyTalks = false,
): { mostInFlight: number; rate: number } {
  const wide = 64 * 1_048_576;
  const limits = {
    replayBytes: wide,
    queueBytes: 1_048_576,
    initialCredit: 8 * 1_048_576,
    maxWindow: wide,
    growthBytes: wide,
  };
  const { pair, here, there } = joined({ client: limits, server: limits });
  const up = new Path(rate, delayMs);
  const down = new Path(rate, delayMs);
  const talk = somebodyTalks ? pair.client.session.open(KIND.tcp, new Uint8Array(0)) : undefined;
  pair.cut().resume();
  const chunk = new Uint8Array(65_536);
  const begin = pair.now;
  let mostInFlight = 0;
  let half = 0;
  const carry = (from: End, path: Path): void => {
    for (;;) {
      const piece = from.session.pollTransmit(524_288, pair.now);
      if (piece === undefined) break;
      path.push(piece, pair.now);
    }
    for (const piece of path.due(pair.now)) pair.other(from).session.receive(piece, pair.now);
  };
  while (pair.now - begin < forMs) {
    while (here.writable) here.write(chunk);
    if (talk?.writable === true && pair.now % 5 === 0) talk.write(chunk.subarray(0, 64));
    carry(pair.client, up);
    for (let piece = there.read(); piece !== undefined; piece = there.read()) there.consumed(piece.length);
    carry(pair.server, down);
    for (const end of [pair.client, pair.server]) {
      if (end.session.nextTimeout() <= pair.now) end.session.timeout(pair.now);
      while (end.session.pollEvent() !== undefined) {
        // Nothing here asks for anything.
      }
    }
    if (pair.now - begin < forMs / 2) half = there.bytesIn;
    else mostInFlight = Math.max(mostInFlight, pair.client.session.figures.unackedBytes);
    pair.now += 0.5;
  }
  return { mostInFlight, rate: (there.bytesIn - half) / (forMs / 2) };
}

describe("what is in flight", { timeout: 120_000 }, () => {
  it("grows to fill a long and wide path: 100 MB/s over 100 ms", () => {
    const { mostInFlight, rate } = bulk(100_000, 50, 6_000);
    expect(rate).toBeGreaterThan(85_000);
    expect(mostInFlight).toBeLessThan(4 * 100_000 * 100);
  });

  it("stays small on a short path, however roomy the buffers are", () => {
    const { mostInFlight, rate } = bulk(200_000, 0.1, 1_000);
    expect(rate).toBeGreaterThan(150_000);
    expect(mostInFlight).toBeLessThan(800_000);
  });

  it("is smaller while somebody talks in small pieces beside the bulk", () => {
    const alone = bulk(200_000, 0.1, 1_000);
    const beside = bulk(200_000, 0.1, 1_000, true);
    expect(beside.mostInFlight).toBeLessThan(alone.mostInFlight / 2);
    expect(beside.rate).toBeGreaterThan(100_000);
  });

  it("stays small on a slow path: a keystroke waits half a second at most", () => {
    const { mostInFlight, rate } = bulk(125, 20, 60_000);
    expect(rate).toBeGreaterThan(110);
    expect(mostInFlight / 125).toBeLessThan(500);
  });

  it("is measured anew after ten seconds, and the path stays filled meanwhile", () => {
    const { rate } = bulk(20_000, 25, 40_000);
    expect(rate).toBeGreaterThan(18_000);
  });
});

describe("no progress", () => {
  const patience = { client: { noProgressMs: 1_000 } };

  it("is death when nothing is acknowledged", () => {
    const { pair, here } = joined(patience);
    here.write(pattern(100));
    pair.take(pair.client);
    const { session } = pair.client;
    expect(session.nextTimeout()).toBe(pair.now + 1_000);
    pair.now += 1_000;
    session.timeout(pair.now);
    pair.collect();
    expect(pair.client.events.at(-1)).toMatchObject({
      type: "link_failed",
      failure: { code: "no_progress" },
    });
    expect(session.attached).toBe(false);
    expect(session.end).toBeUndefined();
  });

  it("is not concluded from silence with nothing outstanding", () => {
    const { pair } = joined(patience);
    expect(pair.client.session.nextTimeout()).toBe(Infinity);
  });

  it("is seen behind a kernel buffer that takes everything at once (D6)", () => {
    const { pair, here } = joined(patience);
    const { session } = pair.client;
    for (let i = 0; i < 20 && session.attached; i++) {
      here.write(pattern(100));
      const bytes = pair.take(pair.client);
      // Handed over, reported, and taken by the system in the same turn.
      session.linkQueued(bytes.length, pair.now);
      session.linkQueued(0, pair.now + 0.1);
      pair.now += 100;
      if (session.nextTimeout() <= pair.now) session.timeout(pair.now);
    }
    pair.collect();
    expect(pair.client.events.at(-1)).toMatchObject({ failure: { code: "no_progress" } });
  });

  it("is not concluded while bytes that waited here drain", () => {
    const { pair, here } = joined(patience);
    const { session } = pair.client;
    here.write(pattern(10_000));
    let waiting = pair.take(pair.client).length;
    session.linkQueued(waiting, pair.now);
    for (let i = 0; i < 20; i++) {
      pair.now += 500;
      waiting -= 100;
      session.linkQueued(waiting, pair.now);
      session.timeout(pair.now);
      expect(session.attached).toBe(true);
    }
  });

  it("waits for an acknowledgement that may be behind the peer's own bulk, and no longer than that (D7)", () => {
    const { pair, here, there } = joined({
      client: { noProgressMs: 1_000, initialCredit: 1_000_000 },
      raw: { replayBytes: 65_536 },
    });
    const { session } = pair.client;
    here.write(pattern(100));
    pair.take(pair.client);
    let came = 0;
    while (session.attached && came < 1e6) {
      pair.now += 200;
      if (there.writable) there.write(pattern(5_000));
      const bytes = pair.take(pair.server);
      // The server has not got our bytes, but acknowledges what it can.
      session.receive(bytes, pair.now);
      came += bytes.length;
      pair.give(pair.server, ackOf(pair.client));
      session.timeout(pair.now);
      [...session.streams()].forEach((stream) => {
        for (let piece = stream.read(); piece !== undefined; piece = stream.read())
          stream.consumed(piece.length);
      });
    }
    expect(came).toBeGreaterThan(2 * 65_536);
    expect(came).toBeLessThan(2 * 65_536 + 60_000);
    pair.collect();
    expect(pair.client.events.at(-1)).toMatchObject({ failure: { code: "no_progress" } });
  });
});

/** What the client would acknowledge. */
function ackOf(end: End): Uint8Array {
  const { rx } = end.session.position;
  return bytesOf(`10000008 00000000 ${rx.toString(16).padStart(16, "0")}`);
}
