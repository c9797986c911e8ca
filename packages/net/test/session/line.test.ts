// What a client's line promises of its sessions: turns, epochs, ends, identities.
import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { CLOSE, KIND, RESET, type SessionStream } from "@holdfast/core/session";
import { nodeCrypto } from "@holdfast/net/node";
import { webCrypto } from "@holdfast/net/session";
import { memoryBytes } from "../../src/compliance/memory-bytes.ts";
import { systemClock } from "../../src/host.ts";
import type { Attempt, ByteLink, ByteLinkTrust } from "@holdfast/net";
import { ManualClock } from "../node/manual-clock.ts";
import { until } from "../node/sockets.ts";
import { counted, hears, mutable, stage } from "./stage.ts";

const NOTHING = new Uint8Array();

/** The same link, trusted in another way. */
function called<Link extends ByteLink>(link: Link, trust: ByteLinkTrust): Link {
  return new Proxy(link, {
    get(target, name) {
      if (name === "trust") return trust;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? NOTHING).toString();

describe("a line with sessions", () => {
  it("says `connected` before its session says anything", async () => {
    const states: string[] = [];
    await using world = await stage({
      onStream: (stream, session) =>
        session.listen(stream, hears({ readable: (s) => void s.write(s.read()!) })),
    });
    const { line } = world.open({
      onSession(session) {
        const look = (): void => void states.push(`${line.line.status.state} ${line.line.status.epoch}`);
        look();
        const stream = session.open(KIND.tcp, NOTHING, hears({ readable: look, writable: look }));
        stream.write(Buffer.from("x"));
      },
    });
    await until(() => states.length === 2);
    world.arena.cut();
    await until(() => line.line.status.epoch === 2);
    const [stream] = [...(line.session?.streams() ?? [])];
    stream?.write(Buffer.from("y"));
    await until(() => states.length === 3);
    expect(states).toEqual(["connected 1", "connected 1", "connected 2"]);
  });

  it("leaves nothing at the signal that could have stopped it", async () => {
    await using world = await stage();
    const { signal } = new AbortController();
    const { line } = world.open({ signal });
    await line.line.ready();
    expect(getEventListeners(signal, "abort").length).toBeGreaterThan(0);
    await line.close();
    await line.line.closed;
    await until(() => getEventListeners(signal, "abort").length === 0);
  });

  it("calls no listener from within a call of the application", async () => {
    let inside = false;
    const wrong: string[] = [];
    const watch = (name: string) => () => {
      if (inside) wrong.push(name);
    };
    const listener = hears({
      readable: watch("readable"),
      writable: watch("writable"),
      forgotten: watch("forgotten"),
    });
    await using world = await stage({
      onStream: (stream, session) => session.listen(stream, hears({ readable: (s) => s.reset() })),
    });
    const client = world.open();
    await client.line.line.ready();
    await until(() => client.sessions.length === 1);
    let forgotten = 0;
    for (let i = 0; i < 20; i++) {
      inside = true;
      const session = client.sessions[0]!;
      const last = hears({ ...listener, forgotten: () => void (watch("forgotten")(), forgotten++) });
      const stream = session.open(KIND.tcp, NOTHING, last);
      stream.write(Buffer.alloc(100_000));
      stream.end();
      if (i % 2 === 0) stream.reset();
      inside = false;
    }
    await until(() => forgotten === 20);
    client.sessions[0]!.open(KIND.tcp, NOTHING, listener);
    inside = true;
    void client.sessions[0]!.close();
    void client.line.close();
    inside = false;
    await client.line.line.closed;
    expect(wrong).toEqual([]);
  });

  it("tells a late listener all that it has missed", async () => {
    const streams: SessionStream[] = [];
    await using world = await stage({ onStream: (stream) => void streams.push(stream) });
    const client = world.open();
    await until(() => client.sessions.length === 1);
    const stream = client.sessions[0]!.open(KIND.tcp, NOTHING, hears({}));
    stream.write(Buffer.from("early"));
    stream.end();
    await until(() => streams[0]?.received !== undefined);
    const heard: string[] = [];
    world.accepted[0]!.listen(
      streams[0]!,
      hears({
        readable(s) {
          heard.push(`${text(s.read())} ${s.received?.type}`);
          s.end();
        },
        forgotten: () => void heard.push("forgotten"),
      }),
    );
    await until(() => heard.length === 2);
    expect(heard).toEqual(["early finished", "forgotten"]);
  });

  it("survives listeners that throw, and says so", async () => {
    await using world = await stage({
      onStream: (stream, session) =>
        session.listen(stream, hears({ readable: (s) => void s.write(s.read()!) })),
    });
    const client = world.open({
      onSession: () => {
        throw new Error("onSession");
      },
    });
    await until(() => client.line.session !== undefined);
    const throws = (): never => {
      throw new Error("a listener");
    };
    const stream = client.line.session!.open(KIND.tcp, NOTHING, {
      readable: throws,
      writable: throws,
      forgotten: throws,
      settled: throws,
    });
    stream.write(Buffer.from("x"));
    await until(() => client.warnings.length >= 3);
    expect(client.warnings.every(({ code }) => code === "listener_failed")).toBe(true);
    expect(client.line.line.status.state).toBe("connected");
  });

  it("ends as replaced when its session is, attached or away", async () => {
    for (const away of [false, true]) {
      await using world = await stage();
      const gate = mutable(world.arena.dial);
      const { line } = world.open({ dial: (attempt) => gate.dial(attempt) });
      await until(() => world.accepted.length === 1);
      if (away) {
        gate.muted = true;
        world.accepted[0]!.detach(CLOSE.draining, 0);
        await until(() => world.away.length === 1);
      }
      void world.accepted[0]!.close(CLOSE.replaced, "another one");
      gate.muted = false;
      if (away) world.arena.cut();
      const reason = await line.line.closed;
      expect(reason.code).toBe("replaced");
      expect(reason.error?.code).toBe("replaced");
      expect(line.session).toBeUndefined();
    }
  });

  it.each([
    ["Node's cryptography", nodeCrypto],
    ["the platform's", webCrypto],
  ])("proves a shared secret both ways, by %s", async (_, crypto) => {
    const secrets = ["new", "old"];
    await using world = await stage({ crypto: crypto(), secrets: () => secrets, allowUnboundProofs: true });
    const good = world.open({ crypto: crypto(), secret: "old" });
    await until(() => good.sessions.length === 1);
    expect(world.accepted[0]?.hello.proved).toBe(true);
    world.arena.cut();
    await until(() => good.line.line.status.epoch === 2);
    const bad = world.open({ crypto: crypto(), secret: "wrong" });
    const refused = await bad.line.line.closed;
    expect([refused.code, refused.error?.kind]).toEqual(["failed", "fatal"]);
    secrets.pop();
    const late = world.open({ crypto: crypto(), secret: "old" });
    expect((await late.line.line.closed).code).toBe("failed");
    expect(good.line.line.status.state).toBe("connected");
  });

  it("takes a proof that is bound to a name only for a name that is the host's own", async () => {
    const elsewhere = { confidential: true, exporter: undefined, relayIdentity: "name:elsewhere" };
    for (const [relayIdentities, good] of [
      [undefined, true],
      [["name:here", "name:elsewhere"], true],
      [["name:here"], false],
    ] as const) {
      await using world = await stage({
        secrets: () => ["s"],
        allowUnboundProofs: true,
        ...(relayIdentities && { relayIdentities }),
      });
      // Both ends of the link go by the name that was asked for: so does an impostor of that name who passes it on.
      world.arena.listen((link) => world.host.take(called(link, elsewhere)));
      const { line } = world.open({
        secret: "s",
        dial: async (attempt) => called(await world.arena.dial(attempt), elsewhere),
      });
      await until(() => line.line.status.state !== "connecting" || line.line.status.failure !== undefined);
      expect([relayIdentities, line.line.status.failure?.code]).toEqual([
        relayIdentities,
        good ? undefined : "bad_secret",
      ]);
    }
  });

  it("does not talk to a relay that cannot prove the secret", async () => {
    await using world = await stage();
    const { line, sessions } = world.open({ secret: "ours" });
    await until(() => line.line.status.failure !== undefined);
    expect(sessions).toEqual([]);
    await line.close();
  });

  it("asks for credentials before each HELLO, not before a resume", async () => {
    let asked = 0;
    const seen: string[] = [];
    await using world = await stage({
      authorize(hello) {
        seen.push(text(hello.credentials));
        return { type: "accept", heartbeatMs: 10_000, resumeTtlMs: 60_000, reconnectWindowMs: 0 };
      },
    });
    const client = world.open({ credentials: () => Buffer.from(`token ${++asked}`) });
    await until(() => client.sessions.length === 1);
    world.arena.cut();
    await until(() => client.line.line.status.epoch === 2);
    expect(asked).toBe(1);
    void world.accepted[0]!.close(CLOSE.auth, "expired");
    await until(() => client.sessions.length === 2);
    expect(seen).toEqual(["token 1", "token 2"]);
    expect(client.lost[1]?.code).toBe(CLOSE.auth);
  });

  it("shows one owner to one relay, whatever the instance, and another to another", async () => {
    await using world = await stage();
    const ownerKey = new Uint8Array(32).fill(7);
    for (const key of [ownerKey, ownerKey, new Uint8Array(32).fill(8)]) {
      const { sessions } = world.open({ ownerKey: key });
      await until(() => sessions.length === 1);
    }
    const { sessions } = world.open({
      ownerKey,
      dial: async (attempt) => {
        const gate = await mutable(world.arena.dial).dial(attempt);
        return { ...gate, queuedBytes: 0, trust: { ...gate.trust, relayIdentity: "name:elsewhere" } };
      },
    });
    await until(() => sessions.length === 1);
    const owners = world.accepted.map(({ hello }) => Buffer.from(hello.ownerId!).toString("hex"));
    expect(owners[0]).toBe(owners[1]);
    expect(new Set(owners).size).toBe(3);
    const instances = world.accepted.map(({ hello }) => Buffer.from(hello.instanceId).toString("hex"));
    expect(new Set(instances).size).toBe(4);
  });

  it("resumes where a link was let go, as the same session and after the announcement", async () => {
    await using world = await stage();
    const client = world.open();
    await until(() => client.sessions.length === 1);
    world.accepted[0]!.detach(CLOSE.draining, 50);
    await until(() => client.line.line.status.epoch === 2);
    expect(world.away).toEqual([world.accepted[0]]);
    expect(client.sessions.length).toBe(1);
    expect(world.accepted[0]?.attached).toBe(true);
  });

  it("begins another session on the same link when the old one is gone, and says how that ended", async () => {
    await using world = await stage({ resumeTtlMs: 1 });
    const client = world.open({ backoff: { initialMs: 100, maxMs: 100, firstRetry: "schedule" } });
    await until(() => client.sessions.length === 1);
    const ends: string[] = [];
    const [first] = client.sessions;
    const readable = (s: SessionStream): void => {
      if (s.received?.type === "reset") ends.push(`${s.received.code} ${client.sessions.length}`);
    };
    first!.open(KIND.tcp, NOTHING, hears({ readable }));
    world.arena.cut();
    await until(() => client.sessions.length === 2);
    expect(ends).toEqual([`${RESET.sessionLost} 1`]);
    expect(client.lost[1]?.reason).toBe("session_lost");
    expect(client.line.session).toBe(client.sessions[1]);
    expect(client.line.line.status.epoch).toBe(2);
  });

  it("gives a session up that the other side cannot have any more, though nobody can be asked", async () => {
    await using world = await stage({ resumeTtlMs: 60_000 });
    const clock = new ManualClock();
    let reachable = true;
    const dial = (attempt: Attempt): Promise<ByteLink> =>
      reachable ? world.arena.dial(attempt) : Promise.reject(new Error("no way there"));
    const client = world.open({ clock, dial });
    await until(() => client.sessions.length === 1);
    const [first] = client.sessions;
    const stream = first!.open(KIND.tcp, NOTHING, hears({}));
    reachable = false;
    world.arena.cut();
    await until(() => client.line.line.status.state === "reconnecting");
    clock.advance(60_000);
    expect(first!.end).toBeUndefined();
    clock.advance(20_000);
    expect(await first!.ended).toMatchObject({ reason: "expired", clean: false });
    await until(() => stream.received?.type === "reset");
    reachable = true;
    await until(() => {
      clock.advance(100);
      return client.sessions.length === 2;
    });
    expect(client.lost[1]?.reason).toBe("expired");
    clock.advance(100_000);
    expect(client.sessions[1]!.end).toBeUndefined();
  });

  it("comes back within the window of a host that goes away, at a moment of its own", async () => {
    await using world = await stage();
    const busy = world.open();
    await until(() => busy.sessions.length === 1);
    busy.sessions[0]!.open(KIND.tcp, NOTHING, hears({}));
    await until(() => [...world.accepted[0]!.streams()].length === 1);
    const drained = world.host.drain(60_000, 40_000);
    const late = world.open({ random: () => 0.5 });
    await until(() => late.line.line.status.failure?.code === "draining");
    const { status } = late.line.line;
    expect(status.failure).toMatchObject({ kind: "transient", retryAfterMs: 20_000 });
    await until(() => "delayMs" in late.line.line.status);
    const { delayMs } = late.line.line.status as { delayMs: number };
    expect(delayMs).toBeGreaterThan(15_000);
    expect(delayMs).toBeLessThanOrEqual(40_000);
    await Promise.all([late.line.close(), busy.line.close()]);
    await drained;
  });

  it.each(["close", "abort", "drain"] as const)("%s lets the other side know at once", async (how) => {
    await using world = await stage();
    const aborter = new AbortController();
    const { clock, armed } = counted(systemClock);
    const client = world.open({ signal: aborter.signal, clock });
    await until(() => client.sessions.length === 1);
    if (how === "abort") aborter.abort();
    else void client.line[how]();
    const end = await world.accepted[0]!.ended;
    expect([end.reason, end.clean]).toEqual(["closed", true]);
    expect((await client.line.line.closed).code).toBe("closed");
    expect((await client.sessions[0]!.ended).reason).toBe("closed");
    await client.line.close();
    await until(() => armed.size === 0 && world.host.size === 0);
  });

  it("can be closed by a listener of its session, and the other side knows at once", async () => {
    await using world = await stage({
      onStream: (stream, session) =>
        session.listen(stream, hears({ readable: (s) => void s.write(s.read()!) })),
    });
    const client = world.open();
    await until(() => client.sessions.length === 1);
    const readable = (): void => void client.line.close();
    client.sessions[0]!.open(KIND.tcp, NOTHING, hears({ readable })).write(Buffer.from("x"));
    const end = await world.accepted[0]!.ended;
    expect(end.reason).toBe("closed");
    await until(() => world.host.size === 0);
  });

  it("says that its session is away as soon as the link is lost", async () => {
    await using world = await stage();
    const client = world.open({ retrying: () => 200 });
    await until(() => client.sessions.length === 1);
    world.arena.cut();
    await until(() => client.line.line.status.state === "reconnecting");
    expect(client.sessions[0]!.attached).toBe(false);
    await until(() => client.line.line.status.epoch === 2);
    expect(client.sessions[0]!.attached).toBe(true);
  });

  it("ends with the session that its application closes", async () => {
    await using world = await stage();
    const client = world.open();
    await until(() => client.sessions.length === 1);
    await client.sessions[0]!.close();
    expect((await client.line.line.closed).code).toBe("closed");
    expect(world.accepted[0]?.end?.reason ?? (await world.accepted[0]!.ended).reason).toBe("closed");
  });

  it("can be closed before it ever had a session", async () => {
    await using world = await stage();
    const client = world.open({ dial: () => new Promise(() => undefined) });
    await client.line.close();
    const drained = world.open({ dial: () => Promise.reject(new Error("no")) });
    await drained.line.drain();
    expect(drained.line.line.status.state).toBe("disconnected");
  });

  it("hangs up a peer that speaks first, or garbage", async () => {
    for (const first of [true, false]) {
      await using world = await stage();
      const client = world.open({
        dial(attempt) {
          const { near, far } = memoryBytes(attempt);
          far.read(() => (first || far.write(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")), true));
          if (first) far.write(Buffer.from("220 hello\r\n"));
          return Promise.resolve(near);
        },
      });
      await until(() => client.line.line.status.failure !== undefined);
      expect(client.line.line.status.failure?.code).toBe("not_our_peer");
    }
  });
});
