// Every row of the table of refusals: who says it, when, and what it does to the other end.
import { createHmac } from "node:crypto";
import { CLOSE, FEATURE, REFUSE } from "@holdfast/core/session";
import { describe, expect, test } from "vitest";
import { encodeRefuse } from "../../src/session/wire/refuse.ts";
import { FakeSession } from "./fake-session.ts";
import {
  ACCEPT,
  ALL,
  Client,
  greeted,
  makeAcceptor,
  Meeting,
  type MeetingOptions,
  secretHash,
  TLS,
} from "./meeting.ts";

const UNVERIFIED = { ...TLS, confidential: false };

/** A REFUSE with any code, its MAC made with `serverKey` over the RESUME. */
function signed(code: number, serverKey: Uint8Array, resume: Uint8Array, retryAfterMs = 0): Uint8Array {
  const frame = encodeRefuse({ code, retryAfterMs, alternative: undefined });
  frame.set(
    createHmac("sha256", serverKey).update(frame.subarray(0, 16)).update(resume.subarray(64)).digest(),
    16,
  );
  return frame;
}

/** A client with a session, whose next link is answered with a refusal. */
function refusedResume(code: number, options: Partial<MeetingOptions> = {}, forged = false): Meeting {
  const acceptor = makeAcceptor();
  const client = new Client();
  greeted({ acceptor, client });
  const meeting = new Meeting({ acceptor, client, ...options }).start();
  meeting.run(() => meeting.fromClient.length > 0);
  const key = forged ? new Uint8Array(32) : (client.resumption?.serverKey ?? new Uint8Array());
  meeting.onClient(meeting.client.receive(signed(code, key, meeting.fromClient[0]!, 3_000), 5_000));
  while (meeting.move("clientProof"));
  return meeting;
}

function refusedHello(code: number, alternative?: string, client = new Client(), trust = TLS): Meeting {
  const meeting = new Meeting({ acceptor: makeAcceptor(), client, trust }).start();
  meeting.run(() => meeting.fromClient.length > 0);
  const frame = encodeRefuse({ code, retryAfterMs: 3_000, alternative });
  meeting.onClient(meeting.client.receive(frame, 5_000));
  return meeting;
}

describe("RESUME is refused", () => {
  const LOST = [
    { code: REFUSE.noSession, name: "no_session", end: CLOSE.expired, newInstance: false },
    { code: REFUSE.stale, name: "stale", end: CLOSE.replaced, newInstance: true },
    { code: REFUSE.desync, name: "desync", end: CLOSE.desync, newInstance: false },
  ];

  test.each(LOST)("$name: the session is lost, and HELLO may follow", ({ code, name, end, newInstance }) => {
    const meeting = refusedResume(code);
    expect(meeting.clientOutcome).toMatchObject({
      type: "session_lost",
      failure: { code: name },
      hello: true,
      newInstance,
    });
    expect(meeting.options.client.session.end).toMatchObject({ reason: "session_lost", code: end });
  });

  test("NO_SESSION and VERSION from an unverified server are a failed attempt, and the session stays", () => {
    for (const code of [REFUSE.noSession, REFUSE.version]) {
      const meeting = refusedResume(code, { trust: UNVERIFIED });
      expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure: { kind: "transient" } });
      expect(meeting.options.client.session.end).toBeUndefined();
    }
  });

  test("VERSION from a verified server is the end", () => {
    const meeting = refusedResume(REFUSE.version);
    expect(meeting.clientOutcome).toMatchObject({
      type: "refused",
      failure: { code: "unsupported_version", kind: "fatal" },
    });
    expect(meeting.options.client.session.end?.reason).toBe("session_lost");
  });

  test("BUSY keeps the session and says when to come back", () => {
    const meeting = refusedResume(REFUSE.busy);
    expect(meeting.clientOutcome).toMatchObject({
      type: "refused",
      failure: { code: "busy", kind: "throttled", retryAfterMs: 3_000 },
      reconnectWindowMs: undefined,
    });
    expect(meeting.options.client.session.end).toBeUndefined();
  });

  test("DRAINING keeps the session and gives a window", () => {
    const meeting = refusedResume(REFUSE.draining);
    expect(meeting.clientOutcome).toMatchObject({
      type: "refused",
      failure: { code: "draining", kind: "transient" },
      reconnectWindowMs: 3_000,
    });
    expect(meeting.options.client.session.end).toBeUndefined();
  });

  test("AUTH makes no sense there", () => {
    const meeting = refusedResume(REFUSE.auth);
    expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
    expect(meeting.options.client.session.end).toBeUndefined();
  });

  test("REPLACED is terminal", () => {
    const meeting = refusedResume(REFUSE.replaced);
    expect(meeting.clientOutcome).toMatchObject({
      type: "refused",
      failure: { code: "replaced", kind: "fatal" },
    });
    expect(meeting.options.client.session.end).toMatchObject({ reason: "replaced", code: CLOSE.replaced });
  });

  test.each([REFUSE.stale, REFUSE.desync, REFUSE.replaced])(
    "code %i with a wrong MAC says nothing about the session",
    (code) => {
      const meeting = refusedResume(code, {}, true);
      expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
      expect(meeting.options.client.session.end).toBeUndefined();
    },
  );

  test("an unknown code is a failed attempt", () => {
    const meeting = refusedResume(99);
    expect(meeting.clientOutcome).toMatchObject({ failure: { code: "refused", kind: "transient" } });
    expect(meeting.options.client.session.end).toBeUndefined();
  });
});

describe("HELLO is refused", () => {
  const ROWS = [
    { code: REFUSE.noSession, failure: { kind: "transient" } },
    { code: REFUSE.stale, failure: { code: "stale", kind: "transient" } },
    { code: REFUSE.version, failure: { code: "unsupported_version", kind: "fatal" } },
    { code: REFUSE.busy, failure: { code: "busy", kind: "throttled", retryAfterMs: 3_000 } },
    { code: REFUSE.draining, failure: { code: "draining", kind: "transient" } },
    { code: REFUSE.auth, failure: { code: "secret_required", kind: "unauthorized" } },
  ];

  test.each(ROWS)("code $code", ({ code, failure }) => {
    const meeting = refusedHello(code);
    expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure });
    // It was answered, so the next HELLO is another one.
    expect(meeting.options.client.instance).toMatchObject({ nonce: undefined, claim: 1 });
    expect(meeting.options.client.session.calls).toEqual([]);
  });

  test("DRAINING may name another address", () => {
    const meeting = refusedHello(REFUSE.draining, "holdfast://two.example:7836");
    expect(meeting.clientOutcome).toMatchObject({
      reconnectWindowMs: 3_000,
      alternative: "holdfast://two.example:7836",
    });
  });

  test("AUTH says which of what was given is not good", () => {
    const secret = new Client({ secretHash: secretHash("x") });
    expect(refusedHello(REFUSE.auth, undefined, secret).clientOutcome).toMatchObject({
      failure: { code: "bad_secret" },
    });
    const credentials = (): Client => new Client({ credentials: Uint8Array.of(1) });
    expect(refusedHello(REFUSE.auth, undefined, credentials()).clientOutcome).toMatchObject({
      failure: { code: "bad_credentials" },
    });
    expect(refusedHello(REFUSE.auth, undefined, credentials(), UNVERIFIED).clientOutcome).toMatchObject({
      failure: { code: "credentials_withheld" },
    });
  });
});

describe("the server refuses", () => {
  test("another version, before it looks at anything else", () => {
    for (const begun of [false, true]) {
      const acceptor = makeAcceptor();
      const client = new Client();
      if (begun) greeted({ acceptor, client });
      const toServer = (frame: Uint8Array): Uint8Array => {
        const changed = frame.slice(0, 12);
        changed.set([0, 0, 4], 1);
        changed[8] = 2;
        return changed;
      };
      const meeting = new Meeting({ acceptor, client, toServer }).start().run();
      expect(meeting.refusals).toEqual(["unsupported_version"]);
      expect(meeting.clientOutcome).toMatchObject({ failure: { kind: "fatal" } });
    }
  });

  test("as the verdict says", () => {
    const acceptor = makeAcceptor();
    const verdict = () => ({ type: "refuse", code: REFUSE.busy, retryAfterMs: 1_234 }) as const;
    const meeting = new Meeting({ acceptor, client: new Client(), verdict }).start().run();
    expect(meeting.clientOutcome).toMatchObject({ failure: { code: "busy", retryAfterMs: 1_234 } });
    expect(acceptor.size).toBe(0);
  });

  test("whom its door is closed to, without a proof", () => {
    const acceptor = makeAcceptor({ secretHashes: () => [secretHash("x")] });
    const client = new Client({ secretHash: secretHash("x") });
    greeted({ acceptor, client });
    acceptor.door = {
      code: REFUSE.draining,
      retryAfterMs: 9_000,
      alternative: "two.example",
      resumes: false,
    };
    const newcomer = new Meeting({ acceptor, client: new Client({}, 50) }).start().run();
    expect(newcomer.clientOutcome).toMatchObject({
      failure: { code: "draining" },
      reconnectWindowMs: 9_000,
      alternative: "two.example",
    });
    const back = new Meeting({ acceptor, client }).start().run();
    expect(back.clientOutcome?.type).toBe("resumed");
    acceptor.door = { ...acceptor.door, resumes: true };
    const late = new Meeting({ acceptor, client }).start().run();
    expect(late.clientOutcome).toMatchObject({ type: "refused", reconnectWindowMs: 9_000 });
    expect(client.session.end).toBeUndefined();
    acceptor.door = undefined;
    expect(new Meeting({ acceptor, client }).start().run().clientOutcome?.type).toBe("resumed");
  });

  test("NO_SESSION for an unknown id and for a wrong MAC alike, after as many HMACs", () => {
    const frames: Uint8Array[] = [];
    const hmacs: number[] = [];
    for (const spoil of [12, 70]) {
      const acceptor = makeAcceptor();
      const client = new Client();
      const { server } = greeted({ acceptor, client });
      const toServer = (frame: Uint8Array): Uint8Array => {
        const changed = frame.slice();
        changed[spoil]! ^= 1;
        return changed;
      };
      const meeting = new Meeting({ acceptor, client, toServer }).start();
      let count = 0;
      meeting.run(() => {
        if (meeting.serverHmac !== undefined) count += 1;
        if (meeting.serverHmac !== undefined) meeting.move("serverProof");
        return false;
      });
      frames.push(meeting.fromServer[0]!);
      hmacs.push(count);
      expect(meeting.refusals).toEqual(["no_session"]);
      // What its session was on stays as it was.
      expect(FakeSession.of(server.session).attached).toBe(true);
      expect(server.claim).toBe(1);
      expect(meeting.detached).toEqual([]);
    }
    expect(frames[0]).toEqual(frames[1]);
    expect(hmacs).toEqual([1, 1]);
  });

  test("a refusal leaves the link good for one HELLO, and no more", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server } = greeted({ acceptor, client });
    server.session.lose({ reason: "expired", code: CLOSE.expired, clean: false, error: undefined }, 1);
    acceptor.release(server, 1);
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.clientOutcome).toMatchObject({ type: "session_lost", hello: true });
    expect(meeting.serverOutcome).toBeUndefined();
    meeting.again(new FakeSession("client")).run();
    expect(meeting.clientOutcome?.type).toBe("greeted");
    expect(meeting.serverOutcome).toMatchObject({ type: "attached", fresh: true });
  });

  test("a second refusal, or RESUME behind one, ends the link", () => {
    const acceptor = makeAcceptor();
    acceptor.door = { code: REFUSE.busy, retryAfterMs: 0, resumes: true };
    const client = new Client();
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.clientOutcome).toMatchObject({ failure: { code: "busy", kind: "transient" } });
    expect(meeting.serverOutcome).toBeUndefined();
    meeting.again(new FakeSession("client")).run();
    expect(meeting.serverOutcome).toMatchObject({ type: "refused", failure: { code: "busy" } });
    expect(meeting.fromServer).toHaveLength(2);

    const disguised = new Meeting({ acceptor, client: new Client({}, 30) }).start().run();
    disguised.onServer(
      disguised.server.receive(Uint8Array.of(0x06, ...disguised.fromClient[0]!.subarray(1)), 1),
    );
    expect(disguised.serverOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
    expect(disguised.fromServer).toHaveLength(1);

    const open = makeAcceptor();
    const owner = new Client();
    greeted({ acceptor: open, client: owner });
    open.door = { code: REFUSE.busy, retryAfterMs: 0, resumes: true };
    const two = new Meeting({ acceptor: open, client: owner }).start().run();
    two.onServer(two.server.receive(two.fromClient[0]!, 1));
    expect(two.serverOutcome).toMatchObject({ type: "refused", failure: { code: "not_our_peer" } });
  });

  test("DESYNC, authentically, and the session is over on both sides", () => {
    for (const wrong of [{ rx: 1 }, { acked: 7 }]) {
      const acceptor = makeAcceptor();
      const client = new Client();
      const { server } = greeted({ acceptor, client });
      Object.assign(client.session, { rx: 0, sent: 9 }, wrong);
      const meeting = new Meeting({ acceptor, client }).start().run();
      expect(meeting.refusals).toEqual(["desync"]);
      expect(meeting.clientOutcome).toMatchObject({
        type: "session_lost",
        failure: { code: "desync" },
        hello: true,
      });
      expect(client.session.end?.code).toBe(CLOSE.desync);
      expect(acceptor.size).toBe(0);
      expect(meeting.detached).toEqual([server]);
    }
  });

  test("sessions beyond the greatest number: BUSY, and room again when one ends", () => {
    const acceptor = makeAcceptor({ maxSessions: 2, fullRetryAfterMs: 777 });
    const clients = [1, 100, 200].map((seed) => new Client({ features: FEATURE.resume }, seed));
    const outcomes = clients.map((client) => new Meeting({ acceptor, client }).start().run().clientOutcome);
    expect(outcomes[1]?.type).toBe("greeted");
    expect(outcomes[2]).toMatchObject({ failure: { code: "busy", kind: "throttled", retryAfterMs: 777 } });
    const [gone] = acceptor.sessions();
    gone?.session.lose({ reason: "closed", code: CLOSE.done, clean: true, error: undefined }, 1);
    if (gone !== undefined) acceptor.release(gone, 1);
    expect(new Meeting({ acceptor, client: clients[2]! }).start().run().clientOutcome?.type).toBe("greeted");
    expect(acceptor.size).toBe(2);
  });

  test("two newcomers for the last place: one gets it", () => {
    const acceptor = makeAcceptor({ maxSessions: 1 });
    const meetings = [1, 100].map((seed) => new Meeting({ acceptor, client: new Client({}, seed) }).start());
    for (const meeting of meetings) meeting.run(() => meeting.ask !== undefined);
    for (const meeting of meetings) meeting.run();
    expect(meetings.map(({ clientOutcome }) => clientOutcome?.type)).toEqual(["greeted", "refused"]);
    expect(acceptor.size).toBe(1);
  });

  test("what it grants is no more than was asked for, and what the link can carry", () => {
    const grant = (features: number, mine: number, trust = TLS, serverTrust = trust): number | undefined => {
      const client = new Client({ features });
      const acceptor = makeAcceptor({ features: mine });
      greeted({ acceptor, client, trust, serverTrust, verdict: () => ACCEPT });
      return client.resumption?.features;
    };
    expect(grant(ALL, ALL)).toBe(ALL);
    expect(grant(FEATURE.resume, ALL)).toBe(FEATURE.resume);
    expect(grant(ALL | 0x80, ALL)).toBe(ALL);
    expect(grant(ALL, FEATURE.resume)).toBe(FEATURE.resume);
    expect(grant(ALL, FEATURE.tlsBinding)).toBe(0);
    const plain = { ...TLS, exporter: undefined };
    expect(grant(ALL, ALL, plain)).toBe(FEATURE.resume | FEATURE.datagrams);
    expect(grant(ALL, ALL, plain, TLS)).toBe(FEATURE.resume | FEATURE.datagrams);
    expect(grant(ALL, ALL, { ...plain, confidential: false }, TLS)).toBe(FEATURE.datagrams);
    expect(grant(ALL, ALL, TLS, plain)).toBe(FEATURE.resume | FEATURE.datagrams);
    expect(grant(ALL, ALL, { ...plain, confidential: false })).toBe(FEATURE.datagrams);
    expect(grant(ALL, ALL, TLS, { ...TLS, confidential: false })).toBe(FEATURE.datagrams);
  });
});
