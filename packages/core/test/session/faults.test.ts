// Whose error it is: a bad sequenced frame ends the session, a bad unsequenced one the link alone. Nothing is kept by a
// number that the peer named.
import { describe, expect, it } from "vitest";
import { CLOSE, KIND } from "../../src/session/index.ts";
import { bytesOf, hexOf, Pair, textBytes } from "./pair.ts";

/** A server with a stream 1 of the client's, which is here as well, and a stream 2 of its own. */
function ready(): Pair {
  const pair = new Pair({ server: { maxStreams: 2, maxFrameBytes: 4_096 } }).begin();
  pair.flow();
  pair.client.session.open(KIND.tcp, textBytes("a"));
  pair.server.session.open(KIND.tcp, textBytes("b"));
  return pair.flow();
}

const BAD_SEQUENCED: readonly (readonly [what: string, hex: string])[] = [
  ["an unknown type", "87000000 00000001"],
  ["DATA without bytes", "81000000 00000001"],
  ["DATA above the largest frame", "81001001 00000001"],
  ["DATA for stream 0", "81000001 00000000 00"],
  ["DATA for a stream that was never opened", "81000001 00000003 00"],
  ["DATA for a stream of ours that was never opened", "81000001 00000004 00"],
  ["FIN for a stream that was never opened", "83000000 00000005"],
  ["FIN with a payload", "83000001 00000001 00"],
  ["CREDIT that is too short", "82000004 00000001 00000000"],
  ["CREDIT beyond 2^53", "82000008 00000001 00200000 00000000"],
  ["OPEN with an id of ours", "80000002 00000004 0001"],
  ["OPEN not above the highest", "80000002 00000001 0001"],
  ["OPEN without a kind", "80000001 00000003 00"],
  ["OPEN with too much metadata", "80001001 00000003"],
  ["a third stream at a time", "80000002 00000003 0001 80000002 00000005 0001"],
  ["RESET at an offset that is not what came", "84000010 00000001 00000001 00000000 00000000 00000005"],
  ["RESET beyond 2^53", "84000010 00000001 00000001 00000000 ffffffff ffffffff"],
  ["a second FIN", "83000000 00000001 83000000 00000001"],
  ["DATA after FIN", "83000000 00000001 81000001 00000001 00"],
  ["DATA after RESET", "84000010 00000001 00000001 00000001 00000000 00000000 81000001 00000001 00"],
  ["RESET after FIN", "83000000 00000001 84000010 00000001 00000001 00000000 00000000 00000000"],
  ["GOAWAY that names a stream never opened", "8600000c 00000000 00000008 00000001 00000000"],
  ["GOAWAY that names a stream of its own", "8600000c 00000000 00000001 00000001 00000000"],
  ["GOAWAY for a stream", "8600000c 00000001 00000002 00000001 00000000"],
];

const BAD_UNSEQUENCED: readonly (readonly [what: string, hex: string])[] = [
  ["HELLO", "01000080 00000000"],
  ["RESUME", "03000058 00000000"],
  ["an unknown type that may not be ignored", "3f000000 00000000"],
  ["ACK that is too long", "10000009 00000000"],
  ["ACK beyond 2^53", "10000008 00000000 00200000 00000000"],
  ["PING beyond 2^53", "11000010 00000000 00000000 00000000 ffffffff ffffffff"],
  ["PONG that is too short", "12000008 00000000"],
  ["CLOSE that is too long", "14001001 00000000"],
  ["AUTH that is too long", "06001001 00000000"],
  ["AUTH_STATE with an unknown code", "0700000a 00000000 00000000 00000000 0003"],
  ["a datagram above the largest frame", "50001001 00000001"],
];

describe("a bad sequenced frame ends the session", () => {
  it.each(BAD_SEQUENCED)("%s", (_, hex) => {
    for (const inPieces of [false, true]) {
      const pair = ready();
      const { session } = pair.server;
      const bytes = bytesOf(hex);
      if (inPieces) for (const byte of bytes) session.receive(Uint8Array.of(byte), pair.now);
      else session.receive(bytes, pair.now);
      expect(session.end).toMatchObject({ reason: "session_lost", code: CLOSE.protocol, clean: false });
      expect(session.end?.error?.code).toBe("protocol_error");
      pair.collect();
      expect(pair.server.events.at(-1)).toMatchObject({ type: "ended" });
      // It says so, and then nothing.
      expect(hexOf(pair.take(pair.server)).slice(0, 2)).toBe("14");
      expect(hexOf(pair.take(pair.server))).toBe("");
    }
  });
});

describe("a bad unsequenced frame ends the link alone", () => {
  it.each(BAD_UNSEQUENCED)("%s", (_, hex) => {
    const pair = ready();
    const { session } = pair.server;
    session.receive(bytesOf(hex), pair.now);
    expect(session.end).toBeUndefined();
    expect(session.attached).toBe(false);
    pair.collect();
    expect(pair.server.events.at(-1)).toMatchObject({
      type: "link_failed",
      failure: { code: "not_our_peer" },
    });
    expect(pair.take(pair.server).length).toBe(0);
    // And the session goes on.
    pair.cut().resume();
    pair.opened(pair.server, 1).write(textBytes("on"));
    pair.flow();
    expect([...pair.client.session.streams()][0]?.readableBytes).toBe(2);
  });
});

describe("positions", () => {
  it.each(["00000000 00000001", "0000ffff 00000000"])(
    "an ACK of what was never sent, %s, ends the session",
    (hex) => {
      const pair = new Pair().begin();
      pair.flow();
      pair.server.session.receive(bytesOf(`10000008 00000000 ${hex}`), pair.now);
      expect(pair.server.session.end).toMatchObject({ reason: "session_lost", code: CLOSE.desync });
    },
  );

  it("an ACK that goes back ends the session", () => {
    const pair = ready().pass(100);
    pair.server.session.receive(bytesOf("10000008 00000000 00000000 00000001"), pair.now);
    expect(pair.server.session.end).toMatchObject({ code: CLOSE.desync });
  });

  it.each([
    { rx: 1e6, txLow: 0 },
    { rx: 0, txLow: 0 },
    { rx: -1, txLow: 0 },
    { rx: Number.NaN, txLow: 0 },
    { rx: 11.5, txLow: 0 },
    { rx: 2 ** 60, txLow: 0 },
    { rx: 11, txLow: 1e6 },
    { rx: 11, txLow: -1 },
  ])("a resume with $rx and $txLow is refused and the session lost", (position) => {
    const pair = ready().pass(100).cut();
    expect(pair.server.session.position).toEqual({ rx: 11, txLow: 11 });
    expect(pair.server.session.resume(position, pair.now)).toBe(false);
    expect(pair.server.session.end).toMatchObject({ reason: "session_lost", code: CLOSE.desync });
  });
});

describe("what may be ignored", () => {
  it("unknown unsequenced frames with bit 6, whole or in pieces, and datagrams that are too long", () => {
    const pair = ready();
    const { session } = pair.server;
    session.receive(bytesOf("7f000003 00000000 010203 7f000000 00000000"), pair.now);
    for (const byte of bytesOf("7f000003 00000000 010203 7f000000 00000000")) {
      session.receive(Uint8Array.of(byte), pair.now);
    }
    const long = new Uint8Array(8 + 1_201);
    long.set(bytesOf("500004b1 00000001"));
    session.receive(long, pair.now);
    expect(session.figures.datagramsDropped).toBe(1);
    expect(session.attached).toBe(true);
    expect(session.end).toBeUndefined();
  });

  it("a PONG that nobody asked for", () => {
    const pair = ready();
    pair.server.session.receive(bytesOf("12000010 00000000 ffffffff ffffffff 00000000 00000000"), pair.now);
    expect(pair.server.session.attached).toBe(true);
  });
});
