// Both handshakes, fed with what the examples of docs/PROTOCOL.md were made of, say what stands there.
import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { example, GIVEN, hex } from "../protocol-examples.ts";
import { FakeSession } from "./fake-session.ts";
import { ACCEPT, Client, makeAcceptor, Meeting, secretHash } from "./meeting.ts";

const owner = createHmac("sha256", GIVEN.ownerKey).update(`holdfast owner\0${GIVEN.relayIdentity}`).digest();

/** Gives these in turn; what is asked for beyond them does not matter. */
function scripted(...values: readonly Uint8Array[]): (bytes: number) => Uint8Array {
  const queue = [...values];
  return (bytes) => {
    if (queue[0]?.length !== bytes) return createHash("sha512").update("more").digest().subarray(0, bytes);
    return queue.shift() as Uint8Array;
  };
}

describe("the examples as conversations", () => {
  const acceptor = makeAcceptor({
    // The dummy key comes first, then a secret and an id, then the nonce of RESUME_OK.
    entropy: scripted(new Uint8Array(32), GIVEN.secret, GIVEN.sessionId, GIVEN.serverNonce),
    newSession: () => new FakeSession("server", { maxStreams: 64 }).asSession,
    secretHashes: () => [secretHash("hunter2")],
  });
  const client = new Client({ owner, secretHash: secretHash("hunter2") });
  client.instance.id.set(GIVEN.instanceId);
  Object.assign(client, { entropy: scripted(GIVEN.clientNonce, GIVEN.clientNonce) });

  test("HELLO, HELLO_OK", () => {
    const meeting = new Meeting({
      acceptor,
      client,
      verdict: () => ({ ...ACCEPT, resumeTtlMs: 600_000 }),
    });
    meeting.start().run();
    expect(meeting.fromClient.map(hex)).toEqual([hex(example("HELLO"))]);
    expect(meeting.fromServer.map(hex)).toEqual([hex(example("HELLO_OK"))]);
    expect(hex(meeting.asked?.ownerId ?? new Uint8Array())).toBe(hex(example("owner id")));
    expect(meeting.clientOutcome?.type).toBe("greeted");
  });

  test("RESUME, RESUME_OK", () => {
    const far = [...acceptor.sessions()][0];
    if (far === undefined) throw new Error("no session");
    Object.assign(client.session, { rx: 0x1234, acked: 0x1000, sent: 0x2010 });
    Object.assign(FakeSession.of(far.session), { rx: 0x2010, acked: 0x2000, sent: 0x2000 });
    client.session.rx = 0x1234;
    FakeSession.of(far.session).acked = 0x1000;
    client.instance.claim = 6;
    const meeting = new Meeting({ acceptor, client }).start();
    meeting.run(() => meeting.serverHmac !== undefined);
    expect(meeting.fromClient.map(hex)).toEqual([hex(example("RESUME"))]);
    // What the server has: 0x2010 received, 0x2000 acknowledged.
    Object.assign(FakeSession.of(far.session), { rx: 0x2010, acked: 0x2000, sent: 0x3000 });
    meeting.move("serverProof");
    FakeSession.of(far.session).acked = 0x1000;
    client.session.rx = 0x2000;
    meeting.run();
    expect(meeting.fromServer.map(hex)).toEqual([hex(example("RESUME_OK"))]);
    expect(meeting.clientOutcome?.type).toBe("resumed");
  });

  test("REFUSE STALE", () => {
    const meeting = new Meeting({ acceptor, client, toServer: () => example("RESUME") }).start().run();
    expect(meeting.fromServer.map(hex)).toEqual([hex(example("REFUSE STALE"))]);
  });
});
