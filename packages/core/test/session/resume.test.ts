// Cut and resumed: what is sent again, in which order, and what is forgotten with the link.
import { describe, expect, it } from "vitest";
import { KIND } from "../../src/session/index.ts";
import { bytesOf, hexOf, Pair, pattern, readAll, textBytes } from "./pair.ts";

const NOTHING = new Uint8Array(0);

describe("resume", () => {
  it("sends the rest of a cut frame first, without room, and before an ACK that is due (D1)", () => {
    const pair = new Pair().begin();
    pair.flow();
    const here = pair.client.session.open(KIND.tcp, NOTHING);
    pair.flow();
    const there = pair.opened(pair.server, 1);
    here.write(pattern(10_000));
    there.write(textBytes("answer"));
    const bytes = pair.take(pair.client);
    // The peer is inside the frame, and we owe an acknowledgement.
    pair.give(pair.server, bytes.subarray(0, 5_000));
    pair.give(pair.client, pair.take(pair.server));
    pair.cut().resume();
    pair.client.session.ping(pair.now);
    expect(pair.client.session.pollTransmit(0, pair.now)).toEqual(bytes.subarray(5_000));
    expect(pair.client.session.pollTransmit(0, pair.now)).toBeUndefined();
    expect(pair.client.session.pollTransmit(1, pair.now)?.[0]).toBe(0x11);
  });

  it("finds the rest of a small frame among many in one piece, wherever the cut", () => {
    const pair = new Pair().begin();
    pair.flow();
    for (let i = 0; i < 5; i++) pair.client.session.open(KIND.tcp, textBytes("m")).write(textBytes("small"));
    expect(pair.client.session.pollTransmit(1_000, pair.now)?.length).toBe(120);
    const ends = [11, 22, 33, 44, 55, 68, 81, 94, 107, 120];
    for (let at = 0; at <= 120; at++) {
      const copy = new Pair().begin();
      copy.flow();
      for (let i = 0; i < 5; i++)
        copy.client.session.open(KIND.tcp, textBytes("m")).write(textBytes("small"));
      copy.give(copy.server, copy.take(copy.client).subarray(0, at));
      copy.cut().resume();
      const { rx } = copy.server.session.position;
      const owed = copy.client.session.pollTransmit(0, copy.now);
      const end = ends.find((position) => position >= rx);
      expect(owed?.length ?? 0).toBe([0, ...ends].includes(rx) ? 0 : end! - rx);
      if (owed !== undefined) copy.give(copy.server, owed);
      copy.flow();
      for (let i = 0; i < 5; i++) expect(readAll(copy.opened(copy.server, 2 * i + 1)).length).toBe(5);
    }
  });

  it("counts no header that came in part, and forgets it with the link", () => {
    const pair = new Pair().begin();
    pair.flow();
    const here = pair.client.session.open(KIND.tcp, NOTHING);
    here.write(textBytes("abc"));
    const bytes = pair.take(pair.client);
    pair.give(pair.server, bytes.subarray(0, 10 + 5));
    expect(pair.server.session.position.rx).toBe(10);
    pair.cut().resume().flow();
    expect(readAll(pair.opened(pair.server, 1)).length).toBe(3);
  });

  it("forgets a half-read unsequenced frame with the link", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.give(pair.server, bytesOf("11000010 00000000 00000000"));
    pair.cut().resume();
    const here = pair.client.session.open(KIND.tcp, NOTHING);
    here.write(textBytes("abc"));
    pair.flow();
    expect(readAll(pair.opened(pair.server, 1)).length).toBe(3);
  });

  it("drops what an old link still brings, and tells nothing to it", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.client.session.open(KIND.tcp, NOTHING);
    const bytes = pair.take(pair.client);
    pair.cut();
    pair.server.session.receive(bytes, pair.now);
    expect(pair.server.session.position.rx).toBe(0);
    pair.client.session.ping(pair.now);
    expect(pair.client.session.pollTransmit(1_000, pair.now)).toBeUndefined();
  });

  it("appends nothing while away, and keeps to the replay bound when attached", () => {
    const pair = new Pair({
      client: { replayBytes: 65_536, queueBytes: 1_000_000 },
      server: { initialCredit: 1_000_000 },
    });
    pair.begin().flow().pass(100);
    const here = pair.client.session.open(KIND.tcp, NOTHING);
    pair.flow().pass(100);
    pair.cut();
    here.write(pattern(900_000));
    here.end();
    expect(pair.client.session.figures.unackedBytes).toBe(0);
    pair.resume();
    pair.take(pair.client);
    expect(pair.client.session.figures.unackedBytes).toBeLessThanOrEqual(65_536 + 16);
    pair.cut().resume();
    expect(pair.client.session.figures.replayedBytes).toBeGreaterThan(60_000);
    pair.pass(1_000);
    expect(hexOf(readAll(pair.opened(pair.server, 1))) === hexOf(pattern(900_000))).toBe(true);
  });

  it("repeats AUTH until it is answered", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.client.session.authenticate(textBytes("old"));
    pair.client.session.authenticate(textBytes("tok"));
    pair.take(pair.client);
    pair.cut().resume().flow();
    const asked = pair.server.events.filter(({ type }) => type === "auth");
    expect(asked).toEqual([{ type: "auth", serial: 2, credentials: textBytes("tok") }]);
    pair.server.session.authState(2, 1_000, 0);
    pair.flow();
    expect(pair.client.events.find(({ type }) => type === "auth_state")).toEqual({
      type: "auth_state",
      serial: 2,
      expiresMs: 1_000,
      code: 0,
    });
    pair.cut().resume().flow();
    expect(pair.server.events.filter(({ type }) => type === "auth").length).toBe(1);
  });

  it("begins again at nothing when the first answer was lost", () => {
    const pair = new Pair().begin();
    const here = pair.client.session.open(KIND.tcp, NOTHING);
    here.write(textBytes("abc"));
    pair.take(pair.client);
    pair.client.session.detach(pair.now);
    pair.server.session.detach(pair.now);
    pair.begin().flow();
    expect(readAll(pair.opened(pair.server, 1)).length).toBe(3);
  });

  it("keeps a credit that was due when the link was cut", () => {
    const pair = new Pair().begin();
    pair.flow();
    const here = pair.client.session.open(KIND.tcp, NOTHING);
    here.write(pattern(40_000));
    pair.flow();
    const there = pair.opened(pair.server, 1);
    readAll(there);
    pair.cut().resume().flow();
    expect(there.readableBytes).toBeGreaterThan(0);
  });
});

describe("the link", () => {
  it("gets nothing without room (D5)", () => {
    const pair = new Pair().begin();
    pair.client.session.open(KIND.tcp, NOTHING).write(pattern(100));
    expect(pair.client.session.pollTransmit(0, pair.now)).toBeUndefined();
    expect(pair.client.session.pollTransmit(-5, pair.now)).toBeUndefined();
    expect(pair.client.session.figures.unackedBytes).toBe(0);
  });

  it("gets an ACK before the next frame of the log, however full it is", () => {
    const pair = new Pair().begin();
    pair.flow();
    const here = pair.client.session.open(KIND.tcp, NOTHING);
    pair.flow();
    const there = pair.opened(pair.server, 1);
    here.write(pattern(16_000));
    there.write(textBytes("x"));
    pair.give(pair.client, pair.take(pair.server));
    pair.now += 25;
    pair.client.session.timeout(pair.now);
    expect(pair.client.session.pollTransmit(1, pair.now)?.[0]).toBe(0x10);
  });

  it("answers a flood of PINGs with one PONG", () => {
    const pair = new Pair().begin();
    pair.flow();
    for (let i = 1; i < 1_000; i++) {
      pair.server.session.receive(bytesOf("11000010 00000000 00000000 000000ff 00000000 00000000"), pair.now);
    }
    expect(pair.take(pair.server).length).toBe(24);
  });

  it("drops datagrams while away, beyond their limit, and of flows that are not known", () => {
    const pair = new Pair({ client: { datagramBytes: 3_000 } }).begin();
    pair.flow();
    const { session } = pair.client;
    const flow = session.open(KIND.udp, NOTHING);
    expect(session.sendDatagram(99, NOTHING)).toBe(false);
    expect(session.sendDatagram(flow.id, new Uint8Array(1_201))).toBe(false);
    // At once behind its OPEN, before anything came back.
    expect(session.sendDatagram(flow.id, pattern(1_200))).toBe(true);
    expect(session.sendDatagram(flow.id, pattern(1_200))).toBe(true);
    expect(session.sendDatagram(flow.id, pattern(1_200))).toBe(false);
    pair.flow();
    const heard = pair.server.events.filter(({ type }) => type === "datagram");
    expect(heard).toEqual([
      { type: "datagram", flow: flow.id, bytes: pattern(1_200) },
      { type: "datagram", flow: flow.id, bytes: pattern(1_200) },
    ]);
    pair.cut();
    expect(session.sendDatagram(flow.id, pattern(1))).toBe(false);
    expect(session.figures.datagramsDropped).toBe(4);
    expect(() => flow.write(pattern(1))).toThrow(expect.objectContaining({ code: "datagrams_only" }));
  });
});
