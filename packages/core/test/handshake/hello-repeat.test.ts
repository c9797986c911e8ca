// HELLO_OK can be lost: the same HELLO again is the same session, and a session never begins twice.
import { CLOSE } from "@holdfast/core/session";
import { describe, expect, test } from "vitest";
import { FakeSession } from "./fake-session.ts";
import { ALL, Client, greeted, makeAcceptor, Meeting } from "./meeting.ts";

/** A HELLO whose answer never reaches the client. */
function unanswered(acceptor = makeAcceptor(), client = new Client()) {
  const lost = new Meeting({ acceptor, client }).start();
  lost.run(() => lost.serverOutcome !== undefined);
  if (lost.serverOutcome?.type !== "attached") throw new Error("not attached");
  return { acceptor, client, lost, server: lost.serverOutcome.session };
}

describe("the same HELLO again", () => {
  test("gets the same session, from position 0, with what the server sent into the void", () => {
    const { acceptor, client, lost, server } = unanswered();
    FakeSession.of(server.session).sent = 40;
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.serverOutcome).toMatchObject({ type: "attached", fresh: false, session: server });
    expect(meeting.detached).toEqual([server]);
    expect(FakeSession.of(server.session).calls).toEqual(["detach", "begin", "detach", "resume"]);
    expect(FakeSession.of(server.session).resumedAt).toEqual({ rx: 0, txLow: 0 });
    expect(meeting.fromServer[0]).toEqual(lost.fromServer[0]);
    expect(acceptor.size).toBe(1);
    expect(server.claim).toBe(2);

    // And it is a session like any other: it can be resumed, and the old link's end changes nothing.
    lost.server.linkEnded(9_000);
    expect(server.away).toBe(false);
    expect(new Meeting({ acceptor, client }).start().run().clientOutcome?.type).toBe("resumed");
  });

  test("while the session is away as well", () => {
    const { acceptor, client, lost, server } = unanswered();
    lost.server.linkEnded(2_000);
    expect(server.away).toBe(true);
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.clientOutcome?.type).toBe("greeted");
    expect(meeting.detached).toEqual([]);
    expect(acceptor.nextTimeout()).toBeLessThan(Infinity);
    acceptor.timeout(10_000_000);
    expect(server.session.end).toBeUndefined();
  });

  test("with a claim that is not above the last is STALE", () => {
    const { acceptor, client, server } = unanswered();
    client.instance.claim = 0;
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.refusals).toEqual(["stale"]);
    expect(meeting.clientOutcome).toMatchObject({ type: "refused", failure: { kind: "transient" } });
    expect(FakeSession.of(server.session).attached).toBe(true);
  });

  test.each(["rx", "acked"] as const)("when the session is in use (%s) it is STALE", (counter) => {
    const { acceptor, client, server } = unanswered();
    FakeSession.of(server.session)[counter] = 1;
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.refusals).toEqual(["stale"]);
    expect(server.session.end).toBeUndefined();
    expect(FakeSession.of(server.session).attached).toBe(true);
  });

  test("with other limits or features begins anew", () => {
    for (const change of ["limits", "features"]) {
      const { acceptor, client, server } = unanswered();
      if (change === "limits") client.session = new FakeSession("client", { maxStreams: 3 });
      else client.identity = { ...client.identity, features: ALL - 1 };
      const meeting = new Meeting({ acceptor, client }).start().run();
      expect(meeting.serverOutcome).toMatchObject({ type: "attached", fresh: true });
      expect(server.session.end?.code).toBe(CLOSE.replaced);
      expect(meeting.detached).toEqual([server]);
      expect(acceptor.size).toBe(1);
    }
  });

  test("is not another client's, be its instance the same", () => {
    const acceptor = makeAcceptor();
    const owned = (fill: number): Client => new Client({ owner: new Uint8Array(32).fill(fill) });
    const { server: mine } = unanswered(acceptor, owned(1));
    const { server: theirs } = unanswered(acceptor, owned(2));
    const { server: nobodys } = unanswered(acceptor, new Client());
    expect(new Set([mine.id, theirs.id, nobodys.id]).size).toBe(3);
    expect(acceptor.size).toBe(3);
  });
});

describe("another HELLO of the same instance", () => {
  test("replaces its session at once", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const { server } = greeted({ acceptor, client });
    const old = client.resumption;
    client.resumption = undefined;
    client.session = new FakeSession("client");
    const meeting = new Meeting({ acceptor, client }).start().run();
    expect(meeting.serverOutcome).toMatchObject({ type: "attached", fresh: true });
    expect(meeting.detached).toEqual([server]);
    expect(server.session.end).toMatchObject({ reason: "replaced" });
    expect(acceptor.size).toBe(1);

    // The old one is unknown, and not terminally replaced: it was the same instance.
    client.resumption = old;
    const late = new Meeting({ acceptor, client }).start().run();
    expect(late.refusals).toEqual(["no_session"]);
  });

  test("that was held up on an older link does not replace it", () => {
    const acceptor = makeAcceptor();
    const client = new Client();
    const slow = new Meeting({ acceptor, client }).start();
    slow.run(() => slow.ask !== undefined);
    const { server } = greeted({ acceptor, client });
    client.resumption = undefined;
    client.session = new FakeSession("client");
    const next = new Meeting({ acceptor, client }).start().run();
    expect(next.serverOutcome).toMatchObject({ type: "attached", fresh: true });
    expect(server.session.end?.reason).toBe("replaced");
    slow.run();
    expect(slow.refusals).toEqual(["stale"]);
    expect(acceptor.size).toBe(1);
    expect([...acceptor.sessions()][0]?.session.end).toBeUndefined();
  });
});

test("the nonce is kept until HELLO is answered, and the claim rises each time", () => {
  const client = new Client();
  const frames = [1, 2, 3].map(
    () => new Meeting({ acceptor: makeAcceptor(), client }).start().fromClient[0]!,
  );
  const nonces = frames.map((frame) => Buffer.from(frame.subarray(16, 32)).toString("hex"));
  expect(new Set(nonces).size).toBe(1);
  expect(frames.map((frame) => frame[115])).toEqual([1, 2, 3]);
  new Meeting({ acceptor: makeAcceptor(), client }).start().run();
  client.resumption = undefined;
  client.session = new FakeSession("client");
  const next = new Meeting({ acceptor: makeAcceptor(), client }).start().fromClient[0]!;
  expect(Buffer.from(next.subarray(16, 32)).toString("hex")).not.toBe(nonces[0]);
  expect(next[115]).toBe(5);
});

test("claims that have run out end the line's sessions, not its number", () => {
  const acceptor = makeAcceptor();
  const client = new Client();
  greeted({ acceptor, client });
  client.instance.claim = 0xff_ff_ff_fe;
  expect(new Meeting({ acceptor, client }).start().run().clientOutcome?.type).toBe("resumed");
  const meeting = new Meeting({ acceptor, client }).start();
  expect(meeting.clientOutcome).toMatchObject({ type: "session_lost", hello: true, newInstance: true });
  expect(meeting.fromClient).toEqual([]);
  const hello = new Meeting({ acceptor, client: Object.assign(client, { resumption: undefined }) }).start();
  expect(hello.clientOutcome).toMatchObject({ type: "refused", failure: { code: "claims_exhausted" } });
});
