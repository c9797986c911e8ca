// Bytes in pieces of any length, bytes that come while a proof is being checked, and bytes that should not come.
import { describe, expect, test } from "vitest";
import { rising } from "../protocol-examples.ts";
import { FakeSession } from "./fake-session.ts";
import { Client, greeted, hmacOf, makeAcceptor, Meeting, secretHash } from "./meeting.ts";

/** A client that has just got the answer, whose proofs are not computed yet. */
function answered(pieceBehind: Uint8Array): Meeting {
  const secret = secretHash("x");
  const acceptor = makeAcceptor({ secretHashes: () => [secret] });
  const client = new Client({ secretHash: secret });
  const toClient = (frame: Uint8Array): Uint8Array => Buffer.concat([frame, pieceBehind]);
  const meeting = new Meeting({ acceptor, client, toClient }).start();
  meeting.run(() => meeting.toClient.length > 0);
  meeting.move("toClient");
  return meeting;
}

describe("bytes behind the server's answer", () => {
  test("are held until the proof is good, and handed over in order", () => {
    const meeting = answered(rising(0, 10));
    expect(meeting.client.holding).toBe(true);
    meeting.onClient(meeting.client.receive(rising(10, 5), 2));
    meeting.onClient(meeting.client.receive(rising(15, 1), 2));
    expect(meeting.clientOutcome).toBeUndefined();
    while (meeting.move("clientProof"));
    expect(meeting.client.holding).toBe(false);
    expect(meeting.clientOutcome).toMatchObject({ type: "greeted" });
    expect(meeting.clientOutcome).toHaveProperty("rest", rising(0, 16));
  });

  test("one piece is not copied", () => {
    const piece = rising(0, 100);
    const meeting = answered(new Uint8Array());
    meeting.onClient(meeting.client.receive(piece, 2));
    while (meeting.move("clientProof"));
    const rest = meeting.clientOutcome?.type === "greeted" ? meeting.clientOutcome.rest : new Uint8Array();
    expect(rest.buffer).toBe(piece.buffer);
  });

  test("the piece with the answer may be of any length; beyond it there are 64 KiB", () => {
    const meeting = answered(new Uint8Array(300_000));
    meeting.onClient(meeting.client.receive(new Uint8Array(65_536), 2));
    expect(meeting.clientOutcome).toBeUndefined();
    meeting.onClient(meeting.client.receive(new Uint8Array(1), 2));
    expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
    expect(meeting.client.holding).toBe(false);
    while (meeting.move("clientProof"));
    expect(meeting.options.client.session.calls).toEqual([]);
  });

  test("a step never asks for the same HMAC twice", () => {
    const meeting = answered(new Uint8Array());
    const open = meeting.clientHmac;
    expect(open).toBeDefined();
    expect(meeting.client.receive(rising(0, 3), 2)).toEqual({});
    expect(meeting.clientHmac).toBe(open);
  });
});

describe("bytes that come to a server", () => {
  test("byte by byte are as good as at once, on both sides", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    for (const outcome of ["greeted", "resumed"]) {
      const next = new Meeting({ acceptor, client }).start();
      while (next.move("clientProof"));
      const frame = next.toServer.shift()!;
      for (let i = 0; i < frame.length; i++) {
        expect(next.serverHmac ?? next.ask).toBeUndefined();
        next.onServer(next.server.receive(frame.subarray(i, i + 1), 1));
      }
      while (next.move("serverProof") || next.move("verdict"));
      const answer = next.toClient.shift()!;
      for (let i = 0; i < answer.length; i++)
        next.onClient(next.client.receive(answer.subarray(i, i + 1), 1));
      while (next.move("clientProof"));
      expect(next.clientOutcome?.type).toBe(outcome);
    }
  });

  test("behind a frame that is not answered yet are an error, in the same piece or in another", () => {
    for (const together of [true, false]) {
      const meeting = new Meeting({ acceptor: makeAcceptor(), client: new Client() }).start();
      const frame = meeting.toServer.shift()!;
      if (together) meeting.onServer(meeting.server.receive(Buffer.concat([frame, Uint8Array.of(0x81)]), 1));
      else {
        meeting.onServer(meeting.server.receive(frame, 1));
        expect(meeting.ask).toBeDefined();
        meeting.onServer(meeting.server.receive(Uint8Array.of(0x81), 1));
      }
      expect(meeting.serverOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
      expect(meeting.fromServer).toEqual([]);
      meeting.move("verdict");
      expect(meeting.options.acceptor.size).toBe(0);
    }
  });

  test.each([
    { name: "DATA", bytes: [0x81, 0, 0, 5, 0, 0, 0, 2] },
    { name: "ACK", bytes: [0x10, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] },
    { name: "an unknown type", bytes: [0x3f, 0, 0, 0, 0, 0, 0, 0] },
    { name: "a HELLO of 4,097 bytes", bytes: [0x01, 0, 0x10, 0x01, 0, 0, 0, 0] },
    { name: "a frame of 16 MiB to be skipped", bytes: [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0] },
    { name: "TLS", bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01] },
    { name: "HTTP", bytes: [...Buffer.from("GET / HTTP/1.1\r\n\r\n")] },
  ])("$name at first is nobody of ours", ({ bytes }) => {
    const meeting = new Meeting({ acceptor: makeAcceptor(), client: new Client() });
    meeting.onServer(meeting.server.receive(Uint8Array.from(bytes), 1));
    expect(meeting.serverOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
    expect(meeting.fromServer).toEqual([]);
  });

  test("frames that may be skipped are skipped, within 4,104 bytes in all", () => {
    const skip = Uint8Array.of(0x7f, 0, 0, 2, 0, 0, 0, 0, 1, 2);
    const good = new Meeting({ acceptor: makeAcceptor(), client: new Client() }).start();
    const hello = good.toServer.shift()!;
    good.onServer(good.server.receive(Buffer.concat([skip, skip, hello]), 1));
    expect(good.ask).toBeDefined();

    const flood = new Meeting({ acceptor: makeAcceptor(), client: new Client() });
    let sent = 0;
    while (flood.serverOutcome === undefined && sent < 100_000) {
      flood.onServer(flood.server.receive(skip, 1));
      sent += skip.length;
    }
    expect(flood.serverOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
    expect(sent).toBeLessThanOrEqual(4_120);
  });
});

test("a client takes no answer to what it did not ask", () => {
  const acceptor = makeAcceptor();
  const first = new Client();
  const { meeting } = greeted({ acceptor, client: first });
  const resumed = new Meeting({ acceptor, client: first }).start().run();
  const [helloOk, resumeOk] = [meeting.fromServer[0]!, resumed.fromServer[0]!];

  const hello = new Meeting({ acceptor, client: new Client({}, 9) }).start();
  hello.onClient(hello.client.receive(resumeOk, 1));
  expect(hello.clientOutcome).toMatchObject({ failure: { code: "not_our_peer" } });

  const resume = new Meeting({ acceptor, client: first }).start();
  resume.onClient(resume.client.receive(helloOk, 1));
  while (resume.move("clientProof"));
  expect(resume.clientOutcome).toMatchObject({ failure: { code: "not_our_peer" } });
  expect(first.session.end).toBeUndefined();
});

test("HELLO_OK of another version, or with features that nobody asked for, is refused", () => {
  const spoiled = (spoil: (frame: Uint8Array) => void, features?: number): Meeting => {
    const toClient = (frame: Uint8Array): Uint8Array => {
      const changed = frame.slice();
      spoil(changed);
      return changed;
    };
    const client = new Client(features === undefined ? {} : { features });
    return new Meeting({ acceptor: makeAcceptor(), client, toClient }).start().run();
  };
  expect(spoiled((frame) => (frame[8] = 2)).clientOutcome).toMatchObject({
    failure: { code: "unsupported_version", kind: "fatal" },
  });
  expect(spoiled((frame) => (frame[15] = 7), 0).clientOutcome).toMatchObject({
    failure: { code: "not_our_peer" },
  });
  expect(spoiled((frame) => (frame[12] = 0x80)).clientOutcome).toMatchObject({
    failure: { code: "not_our_peer" },
  });
});

test("an answer that nobody waits for changes nothing", () => {
  const meeting = new Meeting({ acceptor: makeAcceptor(), client: new Client() });
  expect(meeting.server.proved(new Uint8Array(32), 1)).toEqual({});
  meeting.start();
  expect(meeting.client.proved(hmacOf({ key: new Uint8Array(32), parts: [] }), 1)).toEqual({});
  meeting.run();
  expect(meeting.clientOutcome?.type).toBe("greeted");
  expect(meeting.client.receive(rising(0, 9), 1)).toEqual({});
  expect(meeting.server.receive(rising(0, 9), 1)).toEqual({});
  expect(FakeSession.of(meeting.options.client.session.asSession).calls).toEqual(["begin"]);
});
