// How streams end: FIN, RESET, STOP, GOAWAY, tombstones. Each direction has exactly one end.
import { describe, expect, it } from "vitest";
import { KIND, RESET } from "../../src/session/index.ts";
import type { SessionStream } from "../../src/session/index.ts";
import { bytesOf, hexOf, Pair, pattern, readAll, textBytes } from "./pair.ts";

const NOTHING = new Uint8Array(0);

function joined(): { pair: Pair; here: SessionStream; there: SessionStream } {
  const pair = new Pair({ client: { maxStreams: 4 }, server: { maxStreams: 4 } }).begin();
  pair.flow();
  const here = pair.client.session.open(KIND.tcp, NOTHING);
  pair.flow();
  return { pair, here, there: pair.opened(pair.server, 1) };
}

const sizes = (pair: Pair): number[] =>
  [pair.client, pair.server].map(({ session }) => session.figures.openStreams);

describe("FIN", () => {
  it("follows all that is queued, however long the other end takes no more", () => {
    const { pair, here, there } = joined();
    here.write(pattern(40_000));
    here.end();
    pair.flow();
    expect(there.received).toBeUndefined();
    expect(here.queuedBytes).toBeGreaterThan(0);
    let read = 0;
    while (there.received === undefined || there.readableBytes > 0) {
      read += readAll(there).length;
      pair.pass(1);
    }
    expect(read).toBe(40_000);
    expect(there.received).toEqual({ type: "finished" });
  });

  it("leaves the other direction alone", () => {
    const { pair, here, there } = joined();
    here.end();
    pair.flow();
    there.write(textBytes("still"));
    pair.flow();
    expect(readAll(here).length).toBe(5);
    expect(sizes(pair)).toEqual([1, 1]);
  });

  it("keeps a stream in the table until it is read", () => {
    const { pair, here, there } = joined();
    here.write(textBytes("late"));
    here.end();
    there.end();
    pair.flow();
    expect(sizes(pair)).toEqual([0, 1]);
    expect(readAll(there).length).toBe(4);
    expect(sizes(pair)).toEqual([0, 0]);
    pair.collect();
    expect(pair.server.events.at(-1)?.type).toBe("forgotten");
  });

  it("takes writes no more, and says so", () => {
    const { here } = joined();
    here.end();
    expect(here.writable).toBe(false);
    expect(here.write(textBytes("x"))).toBe(false);
    expect(here.queuedBytes).toBe(0);
  });
});

describe("RESET", () => {
  it("ends both directions at both ends, with one frame each way", () => {
    const { pair, here, there } = joined();
    here.write(textBytes("before"));
    pair.flow();
    here.write(pattern(100_000));
    here.reset(RESET.timeout);
    expect(here.queuedBytes).toBe(0);
    pair.flow();
    expect(there.received).toEqual({ type: "reset", code: RESET.timeout, by: "peer" });
    expect(there.sent).toEqual({ type: "reset", code: RESET.timeout, by: "peer" });
    expect(here.received).toEqual({ type: "reset", code: RESET.timeout, by: "us" });
    // What came before it can still be read.
    expect(readAll(there).length).toBe(6);
    expect(sizes(pair)).toEqual([0, 0]);
  });

  it("costs nothing while away if the stream was never heard of", () => {
    const { pair } = joined();
    pair.cut();
    const before = pair.client.session.figures.openStreams;
    const ghost = pair.client.session.open(KIND.tcp, NOTHING);
    ghost.write(textBytes("boo"));
    ghost.reset();
    expect(pair.client.session.figures.openStreams).toBe(before);
    pair.collect();
    expect(pair.client.events.at(-1)).toEqual({ type: "forgotten", stream: ghost });
    pair.resume().flow();
    expect(pair.server.events.filter(({ type }) => type === "opened").length).toBe(1);
    // The gap in the ids does no harm.
    pair.client.session.open(KIND.tcp, NOTHING);
    pair.flow();
    expect(pair.opened(pair.server, ghost.id + 2).fromPeer).toBe(true);
  });

  it("after our own FIN asks the other end to stop instead", () => {
    const { pair, here, there } = joined();
    here.end();
    pair.flow();
    there.write(pattern(50_000));
    pair.flow();
    here.reset();
    pair.flow();
    expect(there.sent).toEqual({ type: "reset", code: RESET.cancelled, by: "peer" });
    expect(there.received).toEqual({ type: "finished" });
    expect(sizes(pair)).toEqual([0, 0]);
  });

  it("by both at once crosses without an error", () => {
    const { pair, here, there } = joined();
    here.reset();
    there.reset();
    pair.flow();
    expect(sizes(pair)).toEqual([0, 0]);
  });

  it("counts only what went into frames, not what was queued", () => {
    const { pair, here } = joined();
    here.write(pattern(30_000));
    pair.flow();
    expect(here.bytesOut).toBe(16_384);
    here.reset();
    pair.flow();
    expect(pair.server.session.end).toBeUndefined();
    expect(sizes(pair)).toEqual([0, 1]);
  });

  it("does not clear the credit that is due on other streams, nor on its own a STOP of one side", () => {
    const { pair, here, there } = joined();
    there.write(pattern(16_384));
    pair.flow();
    // The peer stops our sending side while credit for the other direction is due.
    there.stop();
    const stop = pair.take(pair.server);
    expect(readAll(here).length).toBe(16_384);
    pair.give(pair.client, stop);
    pair.flow();
    there.write(pattern(10_000));
    pair.pass(1);
    expect(readAll(here).length).toBe(10_000);
  });
});

describe("STOP", () => {
  it("ends one direction and leaves the other whole", () => {
    const { pair, here, there } = joined();
    there.write(pattern(50_000));
    here.write(textBytes("up"));
    pair.flow();
    here.stop();
    expect(here.received).toEqual({ type: "reset", code: RESET.noReader, by: "us" });
    expect(here.readableBytes).toBe(0);
    pair.flow();
    expect(there.sent).toEqual({ type: "reset", code: RESET.noReader, by: "peer" });
    expect(there.queuedBytes).toBe(0);
    here.write(textBytes("load"));
    here.end();
    pair.flow();
    expect(readAll(there).length).toBe(6);
    expect(there.received).toEqual({ type: "finished" });
    expect(sizes(pair)).toEqual([0, 0]);
  });

  it("is ignored after FIN", () => {
    const { pair, here, there } = joined();
    there.write(textBytes("all"));
    there.end();
    const end = pair.take(pair.server);
    here.stop();
    pair.give(pair.server, pair.take(pair.client));
    pair.give(pair.client, end);
    pair.flow();
    expect(there.sent).toEqual({ type: "finished" });
    here.end();
    pair.flow();
    readAll(there);
    expect(sizes(pair)).toEqual([0, 0]);
  });
});

describe("tombstones and ids", () => {
  it("late DATA is thrown away up to the credit that was granted, and is an error beyond it (D2)", () => {
    const { pair, here } = joined();
    here.write(pattern(16_384));
    const late = pair.take(pair.client);
    pair.opened(pair.server, 1).reset();
    pair.take(pair.server);
    pair.give(pair.server, late);
    expect(pair.server.session.end).toBeUndefined();
    pair.server.session.receive(bytesOf("81000001 00000001 00"), pair.now);
    expect(pair.server.session.end?.error?.message).toContain("exceeds its credit");
  });

  it("late CREDIT and STOP for a forgotten stream are ignored (D3)", () => {
    const { pair, here, there } = joined();
    here.end();
    there.end();
    pair.flow();
    expect(sizes(pair)).toEqual([0, 0]);
    pair.server.session.receive(bytesOf("82000008 00000001 00000000 00008000"), pair.now);
    pair.server.session.receive(bytesOf("85000004 00000001 00000009"), pair.now);
    expect(pair.server.session.end).toBeUndefined();
    pair.server.session.receive(bytesOf("85000004 00000003 00000009"), pair.now);
    expect(pair.server.session.end?.error?.message).toContain("never opened");
  });

  it("are refused, not processed, when ended streams nobody has read fill the table", () => {
    const { pair } = joined();
    for (let i = 0; i < 4; i++) {
      const stream =
        i === 0 ? [...pair.client.session.streams()][0]! : pair.client.session.open(KIND.tcp, NOTHING);
      stream.write(textBytes("unread"));
      stream.end();
      pair.flow();
      pair.opened(pair.server, stream.id).end();
      pair.flow();
    }
    expect(sizes(pair)).toEqual([0, 4]);
    const refused = pair.client.session.open(KIND.tcp, NOTHING);
    pair.flow();
    expect(refused.received).toEqual({ type: "reset", code: RESET.notProcessed, by: "peer" });
    expect(sizes(pair)).toEqual([0, 4]);
    expect(pair.server.events.filter(({ type }) => type === "opened").length).toBe(4);
    expect(pair.server.events.filter(({ type }) => type === "forgotten").length).toBe(0);
  });

  it("no more are opened than the peer takes", () => {
    const { pair } = joined();
    for (let i = 0; i < 3; i++) pair.client.session.open(KIND.tcp, NOTHING);
    expect(pair.client.session.canOpen).toBe(false);
    expect(() => pair.client.session.open(KIND.tcp, NOTHING)).toThrow(
      expect.objectContaining({ code: "limit", kind: "transient" }),
    );
  });

  it("wait for the first handshake; what is then too many is reset", () => {
    const pair = new Pair({ server: { maxStreams: 2 } });
    const streams = [1, 2, 3].map(() => pair.client.session.open(KIND.tcp, NOTHING));
    for (const stream of streams) stream.write(textBytes("early"));
    pair.begin().flow();
    expect(streams.map(({ sent }) => sent?.type)).toEqual([undefined, undefined, "reset"]);
    expect(readAll(pair.opened(pair.server, 3)).length).toBe(5);
  });
});

describe("GOAWAY", () => {
  it("says which streams were never looked at: those above `last`, and those not yet made", () => {
    const { pair, here } = joined();
    pair.server.session.goAway(1, 30_000);
    const goAway = pair.take(pair.server);
    const crossing = pair.client.session.open(KIND.tcp, NOTHING);
    crossing.write(textBytes("lost"));
    pair.give(pair.server, pair.take(pair.client));
    const unmade = pair.client.session.open(KIND.tcp, NOTHING);
    pair.give(pair.client, goAway);
    for (const stream of [crossing, unmade]) {
      expect(stream.sent).toEqual({ type: "reset", code: RESET.notProcessed, by: "peer" });
      expect(stream.received).toEqual({ type: "reset", code: RESET.notProcessed, by: "peer" });
    }
    pair.flow();
    expect(pair.client.events.find(({ type }) => type === "going_away")).toEqual({
      type: "going_away",
      code: 1,
      drainMs: 30_000,
    });
    expect(pair.server.events.filter(({ type }) => type === "opened").length).toBe(1);
    expect(() => pair.client.session.open(KIND.tcp, NOTHING)).toThrow(
      expect.objectContaining({ code: "going_away" }),
    );
    // `last` itself lives on, and so do streams the other way.
    here.write(textBytes("on"));
    const back = pair.server.session.open(KIND.tcp, NOTHING);
    pair.flow();
    expect(readAll(pair.opened(pair.server, 1)).length).toBe(2);
    expect(pair.opened(pair.client, back.id).fromPeer).toBe(true);
    expect(pair.server.session.end).toBeUndefined();
  });
});

describe("CLOSE", () => {
  it("is clean when all has arrived, and drops nothing that was received", () => {
    const { pair, here, there } = joined();
    here.write(textBytes("last words"));
    pair.pass(100);
    here.reset();
    pair.pass(100);
    pair.client.session.close(0, "", pair.now);
    pair.flow();
    expect(pair.client.session.end).toMatchObject({ reason: "closed", clean: true, error: undefined });
    expect(pair.server.session.end).toMatchObject({ reason: "closed", clean: true, error: undefined });
    expect(hexOf(readAll(there))).toBe(hexOf(textBytes("last words")));
  });

  it("with open streams resets them and is still read to the end", () => {
    const { pair, here, there } = joined();
    here.write(textBytes("half"));
    pair.flow();
    there.write(pattern(100_000));
    pair.client.session.close(0, "going\u001b[2J", pair.now);
    pair.flow();
    expect(pair.server.session.end).toMatchObject({ reason: "closed", clean: false });
    expect(pair.server.session.end?.error?.message).toContain('"going?[2J"');
    expect(there.received).toMatchObject({ type: "reset", code: RESET.sessionLost });
    expect(readAll(there).length).toBe(4);
    expect(sizes(pair)).toEqual([0, 0]);
    expect(
      pair.server.events.at(-1)?.type === "ended" || pair.server.events.at(-1)?.type === "forgotten",
    ).toBe(true);
  });

  it("waits for the rest of the frame that is under way", () => {
    const { pair, here } = joined();
    here.write(pattern(10_000));
    const header = pair.client.session.pollTransmit(100_000, pair.now)!;
    expect(header.length).toBe(8);
    pair.client.session.close(0, "", pair.now);
    pair.give(pair.server, header);
    pair.give(pair.server, pair.take(pair.client));
    expect(pair.server.session.end).toMatchObject({ reason: "closed", code: 0 });
    expect(pair.opened(pair.server, 1).bytesIn).toBe(10_000);
  });

  it("shows what a peer says with control bytes escaped", () => {
    const { pair } = joined();
    pair.server.session.receive(bytesOf("1400000e 00000000 0005 00000000 0000000a 1b5b324a"), pair.now);
    expect(pair.server.session.end?.error?.message ?? "").not.toContain("\u001b");
  });

  it("tells replaced, expired and lost apart", () => {
    for (const [code, reason] of [
      [4, "replaced"],
      [6, "expired"],
      [2, "session_lost"],
      [3, "session_lost"],
      [5, "closed"],
    ] as const) {
      const { pair } = joined();
      pair.client.session.close(code, "", pair.now);
      pair.flow();
      expect(pair.server.session.end).toMatchObject({ reason, code });
    }
  });
});

describe("a lost session", () => {
  it("resets every stream, never ends one, and lets be read what came", () => {
    const { pair, here, there } = joined();
    here.write(textBytes("came"));
    pair.flow();
    pair.cut();
    pair.server.session.lose({ reason: "expired", code: 6, clean: false, error: undefined }, pair.now);
    pair.collect();
    expect(there.received).toEqual({ type: "reset", code: RESET.sessionLost, by: "us" });
    expect(there.sent).toEqual({ type: "reset", code: RESET.sessionLost, by: "us" });
    expect(pair.server.session.end?.reason).toBe("expired");
    expect(sizes(pair)[1]).toBe(1);
    expect(readAll(there).length).toBe(4);
    expect(sizes(pair)[1]).toBe(0);
    expect(() => pair.server.session.open(KIND.tcp, NOTHING)).toThrow(
      expect.objectContaining({ code: "session_ended" }),
    );
  });
});
