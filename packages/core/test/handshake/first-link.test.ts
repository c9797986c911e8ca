// The happy path of both handshakes, and the two ways of answering HMACs.
import { FEATURE } from "@holdfast/core/session";
import { describe, expect, test } from "vitest";
import { FakeSession } from "./fake-session.ts";
import { ALL, Client, greeted, makeAcceptor, Meeting, secretHash } from "./meeting.ts";

describe("the first link", () => {
  test("HELLO and HELLO_OK begin a session on both sides", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server, meeting } = greeted({ acceptor, client });
    expect(meeting.clientOutcome).toMatchObject({
      type: "greeted",
      heartbeatMs: 10_000,
      authenticate: false,
    });
    expect(meeting.serverOutcome).toMatchObject({ type: "attached", fresh: true });
    expect(client.session.calls).toEqual(["begin"]);
    expect(client.session.features).toBe(ALL);
    expect(client.session.peer?.maxStreams).toBe(server.session.limits.maxStreams);
    expect(client.resumption?.resumeTtlMs).toBe(900_000);
    expect(server.id).toBe(Buffer.from(client.resumption?.sessionId ?? []).toString("hex"));
    expect(FakeSession.of(server.session).attached).toBe(true);
    expect(acceptor.size).toBe(1);
  });

  test("RESUME and RESUME_OK go on with it, each from where the other stands", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server, meeting: first } = greeted({ acceptor, client });
    const far = FakeSession.of(server.session);
    Object.assign(client.session, { rx: 700, sent: 500, acked: 100 });
    Object.assign(far, { rx: 400, sent: 900, acked: 600 });
    first.server.linkEnded(2_000);
    expect(server.away).toBe(true);

    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.clientOutcome).toMatchObject({ type: "resumed" });
    expect(meeting.serverOutcome).toMatchObject({ type: "attached", fresh: false, session: server });
    expect(client.session.resumedAt).toEqual({ rx: 400, txLow: 600 });
    expect(far.resumedAt).toEqual({ rx: 700, txLow: 100 });
    expect(server).toMatchObject({ away: false, claim: 2 });
    expect(meeting.detached).toEqual([]);
  });

  test("a shared secret is proved by both, and a wrong one is refused", () => {
    const acceptor = makeAcceptor({ secretHashes: () => [secretHash("old"), secretHash("hunter2")] });
    const good = new Meeting({ acceptor, client: new Client({ secretHash: secretHash("hunter2") }) });
    expect(good.start().run().clientOutcome?.type).toBe("greeted");
    expect(good.asked?.proved).toBe(true);

    const bad = new Meeting({ acceptor, client: new Client({ secretHash: secretHash("hunter3") }, 2) });
    bad.start().run();
    expect(bad.clientOutcome).toMatchObject({
      type: "refused",
      failure: { code: "bad_secret", kind: "unauthorized" },
    });
    expect(bad.refusals).toEqual(["unauthorized"]);
    expect(bad.asked).toBeUndefined();
  });

  test("without the feature a session has no keys, and ends with its link", () => {
    const acceptor = makeAcceptor();
    const client = new Client({ features: FEATURE.datagrams });
    const { server, meeting } = greeted({ acceptor, client });
    expect(client.resumption).toMatchObject({ features: FEATURE.datagrams, clientKey: new Uint8Array() });
    meeting.server.linkEnded(2_000);
    expect(server.session.end).toMatchObject({ reason: "session_lost" });
    expect(acceptor.size).toBe(0);
  });
});
