// The frames of a session on the wire, byte for byte: the examples of docs/PROTOCOL.md, sent and received.
import { describe, expect, it } from "vitest";
import { CLOSE, FEATURE, KIND } from "../../src/session/index.ts";
import type { SessionStream } from "../../src/session/index.ts";
import { bytesOf, hexOf, Pair, textBytes } from "./pair.ts";

/** What `act` makes the server say, PING and what opens the stream left out. */
function said(act: (pair: Pair, stream: SessionStream) => void, metadata = "{}"): string {
  const pair = new Pair().begin(FEATURE.datagrams);
  pair.flow();
  const stream = pair.server.session.open(KIND.tcp, textBytes(metadata));
  pair.flow();
  act(pair, stream);
  return hexOf(pair.take(pair.server));
}

const hex = (text: string): string => text.replaceAll(" ", "");

describe("frames of a session on the wire", () => {
  it("OPEN", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.server.session.open(KIND.tcp, textBytes("{}"));
    expect(hexOf(pair.take(pair.server))).toBe(hex("80000004 00000002 00017b7d"));
  });

  it("DATA", () => {
    expect(said((_, stream) => stream.write(textBytes("hello")))).toBe(hex("81000005 00000002 68656c6c 6f"));
  });

  it("FIN", () => {
    expect(said((_, stream) => stream.end())).toBe(hex("83000000 00000002"));
  });

  it("RESET, after five bytes", () => {
    const bytes = said((pair, stream) => {
      stream.write(textBytes("hello"));
      pair.flow();
      stream.reset(1);
    });
    expect(bytes).toBe(hex("84000010 00000002 00000001 00000000 00000000 00000005"));
  });

  it("RESET of the sending side alone, in answer to STOP", () => {
    const bytes = said((pair, stream) => {
      stream.write(textBytes("hello"));
      pair.flow();
      pair.opened(pair.client, 2).stop(9);
      pair.give(pair.server, pair.take(pair.client));
    });
    expect(bytes).toBe(hex("84000010 00000002 00000009 00000001 00000000 00000005"));
  });

  it("STOP", () => {
    expect(said((_, stream) => stream.stop(9))).toBe(hex("85000004 00000002 00000009"));
  });

  it("GOAWAY", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.server.session.open(KIND.tcp, textBytes("{}"));
    pair.flow();
    pair.client.session.goAway(1, 30_000);
    expect(hexOf(pair.take(pair.client))).toBe(hex("8600000c 00000000 00000002 00000001 00007530"));
  });

  it("CREDIT", () => {
    // 16 KiB at first and 32 KiB after all of it was consumed within ten milliseconds.
    const pair = new Pair({ client: { initialCredit: 16_384 } }).begin();
    pair.flow();
    const stream = pair.client.session.open(KIND.tcp, new Uint8Array(0));
    pair.flow();
    const there = pair.opened(pair.server, 1);
    there.write(new Uint8Array(16_384));
    pair.give(pair.client, pair.take(pair.server));
    let read = 0;
    for (let piece = stream.read(); piece !== undefined; piece = stream.read()) read += piece.length;
    expect(read).toBe(16_384);
    pair.now = 1_000;
    stream.consumed(read);
    expect(hexOf(pair.take(pair.client))).toBe(hex("82000008 00000001 00000000 00008000"));
  });

  it("PING answered by PONG, with the positions", () => {
    const pair = new Pair().begin();
    expect(hexOf(pair.take(pair.client))).toBe(hex("11000010 00000000 00000000 00000001 00000000 00000000"));
    pair.take(pair.server);
    pair.give(pair.server, bytesOf("11000010 00000000 ffffffff fffffff1 00000000 00000000"));
    expect(hexOf(pair.take(pair.server))).toBe(hex("12000010 00000000 ffffffff fffffff1 00000000 00000000"));
  });

  it("ACK", () => {
    const pair = new Pair().begin();
    pair.flow();
    pair.server.session.open(KIND.tcp, textBytes("{}"));
    pair.flow();
    pair.now += 25;
    pair.client.session.timeout(pair.now);
    expect(hexOf(pair.take(pair.client))).toBe(hex("10000008 00000000 00000000 0000000c"));
  });

  it("DETACH", () => {
    expect(said((pair) => pair.server.session.sendDetach(1, 5_000))).toBe(
      hex("13000006 00000000 00010000 1388"),
    );
  });

  it("CLOSE", () => {
    expect(said((pair) => pair.server.session.close(CLOSE.done, "", pair.now))).toBe(
      hex("1400000a 00000000 00000000 00000000 0000"),
    );
  });

  it("AUTH and AUTH_STATE", () => {
    expect(said((pair) => pair.server.session.authenticate(textBytes("tok")))).toBe(
      hex("06000007 00000000 00000001 746f6b"),
    );
    expect(said((pair) => pair.server.session.authState(1, 3_600_000, 0))).toBe(
      hex("0700000a 00000000 00000001 0036ee80 0000"),
    );
  });

  it("DATAGRAM", () => {
    const pair = new Pair().begin(FEATURE.datagrams);
    pair.flow();
    pair.server.session.open(KIND.tcp, new Uint8Array(0));
    const flow = pair.server.session.open(KIND.udp, new Uint8Array(0));
    pair.flow();
    expect(pair.server.session.sendDatagram(flow.id, textBytes("ping"))).toBe(true);
    expect(hexOf(pair.take(pair.server))).toBe(hex("50000004 00000004 70696e67"));
  });
});
