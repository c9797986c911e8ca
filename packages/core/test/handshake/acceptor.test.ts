// How long sessions are waited for, what is remembered of those that were replaced, and that nothing is kept beyond.
import { CLOSE, type Acceptor, type HelloVerdict, type ServerSession } from "@holdfast/core/session";
import { describe, expect, test } from "vitest";
import { FakeSession } from "./fake-session.ts";
import { ACCEPT, Client, greeted, makeAcceptor, Meeting } from "./meeting.ts";

function keptFor(resumeTtlMs: number): () => HelloVerdict {
  return () => ({ ...ACCEPT, resumeTtlMs }) as HelloVerdict;
}

/** Another instance has taken what it was for; its client is away and knows nothing of it. */
function replace(acceptor: Acceptor, session: ServerSession, now: number): void {
  session.session.lose({ reason: "replaced", code: CLOSE.replaced, clean: false, error: undefined }, now);
  acceptor.release(session, now);
}

describe("a session that is away", () => {
  test("is kept for as long as was said, and no longer", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server, meeting } = greeted({ acceptor, client, verdict: keptFor(5_000) });
    expect(acceptor.nextTimeout()).toBe(Infinity);
    meeting.server.linkEnded(2_000);
    expect(acceptor.nextTimeout()).toBe(7_000);
    acceptor.timeout(6_999);
    expect(server.session.end).toBeUndefined();
    expect(acceptor.find(server.id)).toBe(server);
    acceptor.timeout(7_000);
    expect(server.session.end).toMatchObject({ reason: "expired", code: CLOSE.expired });
    expect(acceptor.size).toBe(0);
    expect(acceptor.nextTimeout()).toBe(Infinity);
    expect(new Meeting({ acceptor, client }).start().run().refusals).toEqual(["no_session"]);
  });

  test("that comes back in time does not expire", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server, meeting } = greeted({ acceptor, client, verdict: keptFor(5_000) });
    meeting.server.linkEnded(2_000);
    const back = new Meeting({ acceptor, client });
    back.now = 6_900;
    back.start().run();
    acceptor.timeout(7_000);
    acceptor.timeout(1_000_000);
    expect(server.session.end).toBeUndefined();
    back.server.linkEnded(1_000_001);
    expect(acceptor.nextTimeout()).toBe(1_005_001);
  });

  test("waits no more than a day, whatever the verdict says", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server } = greeted({ acceptor, client, verdict: keptFor(1e12) });
    expect(server.resumeTtlMs).toBe(86_400_000);
    expect(client.resumption?.resumeTtlMs).toBe(86_400_000);
  });

  test("each has its own time, in any order", () => {
    const acceptor = makeAcceptor();
    const times = [5_000, 1_000, 3_000];
    const sessions = times.map((ms, index) => {
      const client = new Client({}, 100 * (index + 1));
      const { server, meeting } = greeted({ acceptor, client, verdict: keptFor(ms) });
      meeting.server.linkEnded(0);
      return server;
    });
    const seen: number[] = [];
    while (acceptor.nextTimeout() < Infinity) {
      const now = acceptor.nextTimeout();
      acceptor.timeout(now);
      seen.push(now);
    }
    expect(seen).toEqual([1_000, 3_000, 5_000]);
    expect(sessions.every(({ session }) => session.end?.reason === "expired")).toBe(true);
  });

  test("is forgotten when it has ended meanwhile, also by nobody's call of release", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server, meeting } = greeted({ acceptor, client });
    server.session.lose({ reason: "closed", code: CLOSE.done, clean: true, error: undefined }, 1);
    meeting.server.linkEnded(2);
    expect(acceptor.size).toBe(0);
    expect(acceptor.nextTimeout()).toBe(Infinity);
  });
});

describe("a session whose place was taken", () => {
  test("is told so authentically, until it would have expired", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server } = greeted({ acceptor, client, verdict: keptFor(5_000) });
    replace(acceptor, server, 1_000);
    acceptor.release(server, 1_000);
    expect(acceptor.size).toBe(0);
    acceptor.timeout(5_999);
    const told = new Meeting({ acceptor, client }).start().run();
    expect(told.refusals).toEqual(["replaced"]);
    expect(told.clientOutcome).toMatchObject({ failure: { code: "replaced", kind: "fatal" } });

    const again = new Client({}, 77);
    const { server: second } = greeted({ acceptor, client: again, verdict: keptFor(5_000) });
    replace(acceptor, second, 2_000);
    expect(acceptor.nextTimeout()).toBeLessThanOrEqual(7_000);
    acceptor.timeout(7_000);
    const late = new Meeting({ acceptor, client: again }).start().run();
    expect(late.refusals).toEqual(["no_session"]);
    expect(acceptor.table.endedRecords).toBe(0);
  });

  test("is told nothing without its keys", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server } = greeted({ acceptor, client });
    replace(acceptor, server, 1_000);
    const toServer = (frame: Uint8Array): Uint8Array => {
      const changed = frame.slice();
      changed[80]! ^= 1;
      return changed;
    };
    expect(new Meeting({ acceptor, client, toServer }).start().run().refusals).toEqual(["no_session"]);
  });

  test("is remembered with at most so many others, the newest", () => {
    const acceptor = makeAcceptor({ maxEndedRecords: 3 });
    const clients = Array.from({ length: 5 }, (_, index) => new Client({}, 1_000 * (index + 1)));
    for (const client of clients) replace(acceptor, greeted({ acceptor, client }).server, 1_000);
    expect(acceptor.table.endedRecords).toBe(3);
    const answers = clients.map((client) => new Meeting({ acceptor, client }).start().run().refusals[0]);
    expect(answers).toEqual(["no_session", "no_session", "replaced", "replaced", "replaced"]);
  });

  test("one that just ended is not remembered", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server } = greeted({ acceptor, client });
    server.session.lose({ reason: "closed", code: CLOSE.done, clean: true, error: undefined }, 1);
    acceptor.release(server, 1);
    expect(acceptor.table.endedRecords).toBe(0);
    expect(new Meeting({ acceptor, client }).start().run().refusals).toEqual(["no_session"]);
  });
});

describe("a link that ends", () => {
  test("before its verdict gets no session", () => {
    const acceptor = makeAcceptor();
    const meeting = new Meeting({ acceptor, client: new Client() }).start();
    meeting.run(() => meeting.ask !== undefined);
    meeting.server.linkEnded(1);
    meeting.run();
    expect(acceptor.size).toBe(0);
    expect(meeting.serverOutcome).toBeUndefined();
  });

  test("twice, or behind another that has the session, changes nothing", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server, meeting } = greeted({ acceptor, client });
    const next = new Meeting({ acceptor, client }).start().run();
    meeting.server.linkEnded(1);
    meeting.server.linkEnded(2);
    expect(server.away).toBe(false);
    expect(FakeSession.of(server.session).attached).toBe(true);
    next.server.linkEnded(3);
    expect(server.away).toBe(true);
    expect(FakeSession.of(server.session).attached).toBe(false);
  });
});

test("a thousand clients that come and go leave nothing behind", () => {
  const acceptor = makeAcceptor({ maxSessions: 50 });
  for (let index = 0; index < 1_000; index++) {
    const client = new Client({}, 10_000 + 100 * index);
    const { meeting } = greeted({ acceptor, client, verdict: keptFor(40) });
    meeting.server.linkEnded(index);
    if (acceptor.nextTimeout() <= index) acceptor.timeout(index);
  }
  expect(acceptor.size).toBeLessThanOrEqual(41);
  acceptor.timeout(1_000_000);
  expect([...acceptor.sessions()]).toEqual([]);
  expect(acceptor.nextTimeout()).toBe(Infinity);
});
