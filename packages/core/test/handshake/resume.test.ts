// Sessions come back: what is let go and when, what may be played again, and who wins when links race.
import { CLOSE } from "@holdfast/core/session";
import { describe, expect, test } from "vitest";
import { FakeSession } from "./fake-session.ts";
import { Client, greeted, hmacOf, makeAcceptor, Meeting, TLS } from "./meeting.ts";

function begun() {
  const acceptor = makeAcceptor();
  const client = new Client();
  const { server, meeting } = greeted({ acceptor, client });
  return { acceptor, client, server, first: meeting, far: FakeSession.of(server.session) };
}

/** The u64 at `at`. */
function position(frame: Uint8Array | undefined, at: number): number {
  return Number(Buffer.from(frame ?? []).readBigUInt64BE(at));
}

describe("the client's side", () => {
  test("raises the claim, lets the old link go and samples rx in one step, before any proof", () => {
    const { acceptor, client } = begun();
    client.session.rx = 7;
    client.session.calls.length = 0;
    const meeting = new Meeting({ acceptor, client }).start();
    expect(client.session.calls).toEqual(["detach"]);
    expect(client.instance.claim).toBe(2);
    expect(meeting.clientHmac).toBeDefined();
    expect(meeting.fromClient).toEqual([]);
    client.session.rx = 8; // What a late byte of the old link would do, were it still read.
    meeting.move("clientProof");
    expect(position(meeting.fromClient[0], 48)).toBe(7);
  });

  test("does not touch the old link when the new one cannot carry the session", () => {
    const { acceptor, client } = begun();
    client.session.calls.length = 0;
    const meeting = new Meeting({ acceptor, client, trust: { ...TLS, exporter: undefined } }).start();
    expect(meeting.clientOutcome).toMatchObject({
      type: "refused",
      failure: { code: "link_not_confidential", kind: "transient" },
    });
    expect(client.session.calls).toEqual([]);
    expect(client.instance.claim).toBe(1);
    expect(client.session.end).toBeUndefined();
  });

  test("an unbound session needs a verified link", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const pipe = { ...TLS, exporter: undefined };
    greeted({ acceptor, client, trust: pipe });
    const bad = new Meeting({ acceptor, client, trust: { ...pipe, confidential: false } }).start();
    expect(bad.clientOutcome).toMatchObject({ failure: { code: "link_not_confidential" } });
    expect(new Meeting({ acceptor, client, trust: pipe }).start().run().clientOutcome?.type).toBe("resumed");
    // And nor does the server resume it where it could be read.
    const leaky = { ...pipe, confidential: false };
    const refused = new Meeting({ acceptor, client, trust: pipe, serverTrust: leaky }).start().run();
    expect(refused.refusals).toEqual(["no_session"]);
  });

  test("a session that cannot be resumed is lost before anything is sent", () => {
    const acceptor = makeAcceptor();
    const client = new Client({ features: 0 });
    greeted({ acceptor, client });
    const meeting = new Meeting({ acceptor, client }).start();
    expect(meeting.clientOutcome).toMatchObject({ type: "session_lost", hello: true, newInstance: false });
    expect(meeting.fromClient).toEqual([]);
  });

  test("a session that was closed meanwhile is not revived", () => {
    const { acceptor, client } = begun();
    const meeting = new Meeting({ acceptor, client }).start();
    meeting.run(() => meeting.toClient.length > 0);
    client.session.end = { reason: "closed", code: CLOSE.done, clean: false, error: undefined };
    meeting.run();
    expect(meeting.clientOutcome).toMatchObject({ failure: { code: "session_ended" } });
    expect(client.session.attached).toBe(false);
    const later = new Meeting({ acceptor, client }).start();
    expect(later.clientOutcome).toMatchObject({ failure: { code: "session_ended" } });
  });

  test.each([
    { name: "another MAC", at: 79, code: "not_our_peer" },
    { name: "another claim", at: 15, code: "not_our_peer" },
    { name: "another position", at: 39, code: "not_our_peer" },
  ])("a RESUME_OK with $name is not authentic", ({ at, code }) => {
    const { acceptor, client } = begun();
    const toClient = (frame: Uint8Array): Uint8Array => {
      const changed = frame.slice();
      changed[at]! ^= 1;
      return changed;
    };
    const meeting = new Meeting({ acceptor, client, toClient }).start().run();
    expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure: { code } });
    expect(client.session).toMatchObject({ attached: false, end: undefined });
  });

  test("a RESUME_OK that answers another claim is no answer, be its MAC right", () => {
    const { acceptor, client } = begun();
    const toClient = (frame: Uint8Array): Uint8Array => {
      const changed = frame.slice();
      changed[15]! ^= 1;
      const parts = [changed.subarray(0, 48), meeting.fromClient[0]!.subarray(64)];
      changed.set(hmacOf({ key: client.resumption!.serverKey, parts }), 48);
      return changed;
    };
    const meeting: Meeting = new Meeting({ acceptor, client, toClient });
    meeting.start().run();
    expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
  });

  test("the RESUME_OK of an earlier RESUME is not authentic", () => {
    const { acceptor, client } = begun();
    const earlier = new Meeting({ acceptor, client }).start().run();
    const answer = earlier.fromServer[0]!;
    const meeting = new Meeting({ acceptor, client, toClient: () => answer }).start().run();
    expect(meeting.clientOutcome).toMatchObject({ failure: { code: "not_our_peer" } });
  });

  test("positions that cannot be end the session, and the link is good for nothing", () => {
    const { acceptor, client, far } = begun();
    Object.assign(far, { rx: 10, sent: 0 });
    Object.assign(client.session, { rx: 0, sent: 5 });
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.clientOutcome).toMatchObject({
      type: "session_lost",
      failure: { code: "desync" },
      hello: false,
      newInstance: false,
    });
  });
});

describe("the server's side", () => {
  test("keeps the old link in use until the MAC is good, and samples rx after it has let it go", () => {
    const { acceptor, client, server, far } = begun();
    client.session.sent = 100;
    const meeting = new Meeting({ acceptor, client }).start();
    meeting.run(() => meeting.serverHmac !== undefined);
    expect(far.attached).toBe(true);
    far.rx = 60; // Bytes of the old link while the MAC is computed.
    meeting.move("serverProof");
    expect(far.attached).toBe(false);
    expect(meeting.detached).toEqual([server]);
    expect(server.claim).toBe(2);
    meeting.run();
    expect(position(meeting.fromServer[0], 32)).toBe(60);
    expect(meeting.clientOutcome?.type).toBe("resumed");
    expect(far.attached).toBe(true);
  });

  test("a RESUME that was recorded and is played again is STALE", () => {
    const { acceptor, client, server, far } = begun();
    const recorded = new Meeting({ acceptor, client }).start().run();
    expect(recorded.clientOutcome?.type).toBe("resumed");
    const replay = new Meeting({ acceptor, client, toServer: () => recorded.fromClient[0]! }).start().run();
    expect(replay.refusals).toEqual(["stale"]);
    expect(replay.detached).toEqual([]);
    expect(server.claim).toBe(2);
    expect(far.attached).toBe(true);
  });

  test("RESUME_OK is lost: the next claim wins", () => {
    const { acceptor, client, server } = begun();
    for (let attempt = 0; attempt < 3; attempt++) {
      const lost = new Meeting({ acceptor, client }).start();
      lost.run(() => lost.serverOutcome !== undefined);
      expect(lost.clientOutcome).toBeUndefined();
      expect(server.away).toBe(false);
    }
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.clientOutcome?.type).toBe("resumed");
    expect(meeting.detached).toEqual([server]);
    expect(server.claim).toBe(5);
    expect(acceptor.size).toBe(1);
  });

  test("a link that dies while it is being adopted leaves the session away, to be resumed", () => {
    const { acceptor, client, server, first } = begun();
    const meeting = new Meeting({ acceptor, client }).start();
    meeting.run(() => meeting.detached.length > 0);
    first.server.linkEnded(5_000);
    expect(server.away).toBe(false);
    meeting.server.linkEnded(6_000);
    expect(server.away).toBe(true);
    expect(acceptor.nextTimeout()).toBe(906_000);
    // Its proof comes all the same.
    meeting.move("serverProof");
    expect(meeting.serverOutcome?.type).not.toBe("attached");
    expect(new Meeting({ acceptor, client }).start().run().clientOutcome?.type).toBe("resumed");
  });

  test("a session that ends while RESUME is being proved or signed is NO_SESSION", () => {
    for (const proofs of [0, 1]) {
      const { acceptor, client, server } = begun();
      const meeting = new Meeting({ acceptor, client }).start();
      meeting.run(() => meeting.serverHmac !== undefined);
      for (let i = 0; i < proofs; i++) meeting.move("serverProof");
      server.session.lose({ reason: "closed", code: CLOSE.done, clean: true, error: undefined }, 1);
      acceptor.release(server, 1);
      meeting.run();
      expect(meeting.refusals).toEqual(["no_session"]);
      expect(meeting.clientOutcome?.type).toBe("session_lost");
      expect(acceptor.size).toBe(0);
    }
  });
});

describe("bound to TLS", () => {
  const other = { ...TLS, exporter: new Uint8Array(32).fill(0x77) };

  test("on another connection with another exporter the session goes on", () => {
    const { acceptor, client } = begun();
    expect(new Meeting({ acceptor, client, trust: other }).start().run().clientOutcome?.type).toBe("resumed");
  });

  test("somebody in between, who has two connections with two exporters, gets nothing", () => {
    const { acceptor, client, server, far } = begun();
    const meeting = new Meeting({ acceptor, client, trust: TLS, serverTrust: other }).start().run();
    expect(meeting.refusals).toEqual(["no_session"]);
    expect(far.attached).toBe(true);
    expect(server.claim).toBe(1);
  });

  test("a server that cannot export answers as if it did not know the session", () => {
    const { acceptor, client } = begun();
    const serverTrust = { ...TLS, exporter: undefined };
    const meeting = new Meeting({ acceptor, client, serverTrust }).start().run();
    expect(meeting.refusals).toEqual(["no_session"]);
  });

  test("on a connection whose server nobody verified the MACs are proof enough", () => {
    const { acceptor, client } = begun();
    const trust = { ...TLS, confidential: false };
    const meeting = new Meeting({ acceptor, client, trust, serverTrust: TLS }).start().run();
    expect(meeting.clientOutcome?.type).toBe("resumed");
  });
});

test("keys differ by session and by direction", () => {
  const { client } = begun();
  const { clientKey, serverKey } = client.resumption!;
  expect(clientKey).toHaveLength(32);
  expect(clientKey).not.toEqual(serverKey);
  const { client: another } = { client: new Client({}, 99) };
  greeted({ acceptor: makeAcceptor({ entropy: (bytes) => new Uint8Array(bytes).fill(9) }), client: another });
  expect(another.resumption?.clientKey).not.toEqual(clientKey);
  expect(hmacOf({ key: clientKey, parts: [] })).not.toEqual(hmacOf({ key: serverKey, parts: [] }));
});
