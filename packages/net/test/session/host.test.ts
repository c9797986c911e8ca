// What the accepting side does about links that prove nothing, links that die, and its own end.
import { describe, expect, it } from "vitest";
import { CLOSE, KIND } from "@holdfast/core/session";
import { memoryBytes } from "../../src/compliance/memory-bytes.ts";
import { ManualClock } from "../node/manual-clock.ts";
import { until } from "../node/sockets.ts";
import { hears, mutable, stage, type Stage } from "./stage.ts";

const NOTHING = new Uint8Array();

/** A link to the host that says what it is told to. */
function stranger(world: Stage): { say(bytes: Uint8Array): void; readonly lost: unknown[] } {
  const lost: unknown[] = [];
  const { near, far } = memoryBytes({ heard: () => undefined, lost: (cause) => void lost.push(cause) });
  near.read(() => true);
  world.host.take(far);
  return { say: (bytes) => near.write(bytes), lost };
}

describe("the host of sessions", () => {
  it("hangs up whoever says nothing for 10 s, at the cost of one timer", async () => {
    const clock = new ManualClock();
    await using world = await stage({ clock });
    const silent = stranger(world);
    expect(clock.armed).toBe(1);
    clock.advance(9_999);
    expect(silent.lost).toEqual([]);
    clock.advance(1);
    await until(() => silent.lost.length === 1);
    expect(world.refused.map(({ code }) => code)).toEqual(["timed_out"]);
    expect(clock.armed).toBe(0);
  });

  it("gives a half HELLO no more time than none", async () => {
    const clock = new ManualClock();
    await using world = await stage({ clock });
    const slow = stranger(world);
    slow.say(Uint8Array.of(1, 0, 0));
    for (let i = 0; i < 9; i++) {
      clock.advance(1_000);
      slow.say(Uint8Array.of(0));
    }
    clock.advance(1_000);
    await until(() => slow.lost.length === 1);
  });

  it.each([
    ["garbage", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame beyond 4 KiB", Uint8Array.of(1, 0, 0x20, 0, 0, 0, 0, 0)],
    ["data before a handshake", Uint8Array.of(0x81, 0, 0, 1, 0, 0, 0, 1, 65)],
  ])("hangs up on %s at once", async (_, bytes) => {
    await using world = await stage();
    const rude = stranger(world);
    rude.say(bytes);
    await until(() => rude.lost.length === 1);
    expect(world.refused[0]?.code).toBe("not_our_peer");
    expect(world.host.size).toBe(0);
  });

  it("hangs up a link that dies silently after 15 s, and keeps its session until that expires", async () => {
    const clock = new ManualClock();
    await using world = await stage({ clock, resumeTtlMs: 60_000 });
    const gate = mutable(world.arena.dial);
    const client = world.open({ dial: (attempt) => gate.dial(attempt), heartbeat: false });
    await until(() => client.sessions.length === 1);
    const [session] = world.accepted;
    gate.muted = true;
    clock.advance(15_000);
    expect(world.away).toEqual([session]);
    expect(session?.attached).toBe(false);
    expect(world.host.size).toBe(1);
    clock.advance(60_001);
    expect((await session!.ended).reason).toBe("expired");
    expect(world.host.size).toBe(0);
  });

  it("asks an idle link for a sign of life, and any byte is one", async () => {
    const clock = new ManualClock();
    await using world = await stage({ clock });
    const client = world.open({ heartbeat: false });
    await until(() => client.sessions.length === 1);
    const [session] = world.accepted;
    for (let i = 0; i < 20; i++) {
      const { heardAt } = session!;
      clock.advance(10_000);
      await until(() => session!.heardAt > heardAt);
    }
    expect(world.away).toEqual([]);
  });

  it("probes: a live client answers, a mute one does not, an away one is not waited for", async () => {
    await using world = await stage();
    const gate = mutable(world.arena.dial);
    const client = world.open({ dial: (attempt) => gate.dial(attempt) });
    await until(() => client.sessions.length === 1);
    const [session] = world.accepted;
    expect(await session!.probe(10_000)).toBe(true);
    gate.muted = true;
    expect(await session!.probe(50)).toBe(false);
    session!.detach(CLOSE.draining, 60_000);
    await until(() => session!.link === undefined);
    expect(await session!.probe(60_000)).toBe(false);
  });

  it("gives a session to its newest link, and hangs the old one up", async () => {
    await using world = await stage();
    const gate = mutable(world.arena.dial);
    const client = world.open({ dial: (attempt) => gate.dial(attempt), heartbeat: false });
    await until(() => client.sessions.length === 1);
    const [session] = world.accepted;
    const before = session!.link;
    // The client dials again; of the end of its old link the host has heard nothing.
    gate.lose();
    await until(() => client.line.line.status.epoch === 2);
    expect(world.accepted.length).toBe(1);
    expect(session!.link).not.toBe(before);
    expect(world.away).toEqual([session]);
    expect(session!.attached).toBe(true);
  });

  it("waits for a verdict that takes its time, and refuses by it", async () => {
    await using world = await stage({
      authorize: async (_, remoteAddress) => {
        await Promise.resolve();
        expect(remoteAddress).toBe("memory");
        return { type: "refuse", code: 5, retryAfterMs: 700 };
      },
    });
    const client = world.open();
    await until(() => client.line.line.status.failure !== undefined);
    const { failure } = client.line.line.status;
    expect([failure?.kind, failure?.retryAfterMs]).toEqual(["throttled", 700]);
    await until(() => world.refused.length === 1);
  });

  it("survives an `authorize` that throws", async () => {
    await using world = await stage({ authorize: () => Promise.reject(new Error("the database is gone")) });
    const client = world.open();
    await until(() => world.refused.length === 1);
    expect(client.sessions).toEqual([]);
    expect(world.refused[0]?.message).toContain("the database is gone");
  });

  it("turns away sessions beyond its limit, with a hint", async () => {
    await using world = await stage({ maxSessions: 1 });
    const first = world.open();
    await until(() => first.sessions.length === 1);
    const second = world.open();
    await until(() => second.line.line.status.failure !== undefined);
    expect(second.line.line.status.failure?.kind).toBe("throttled");
    await first.line.close();
    await until(() => world.host.size === 0);
  });

  it("drains: streams finish, clients hear when to return, and nobody new comes in", async () => {
    await using world = await stage({
      onStream: (stream, session) =>
        session.listen(stream, hears({ readable: (s) => void s.write(s.read()!) })),
    });
    const client = world.open({ random: () => 0.5, backoff: { maxMs: 100, initialMs: 100 } });
    await until(() => client.sessions.length === 1);
    let echoed = false;
    const stream = client.sessions[0]!.open(
      KIND.tcp,
      NOTHING,
      hears({ readable: (s) => void (echoed ||= s.read() !== undefined) }),
    );
    stream.write(Buffer.from("x"));
    await until(() => echoed);
    const drained = world.host.drain(20_000, 300_000);
    stream.end();
    for (const there of world.accepted[0]!.streams()) there.end();
    await drained;
    const end = await client.sessions[0]!.ended;
    expect([end.reason, end.code, end.clean]).toEqual(["closed", CLOSE.draining, true]);
    await until(() => client.line.line.status.state === "reconnecting");
    const { status } = client.line.line;
    if (status.state !== "reconnecting" || status.phase !== "waiting") throw new Error("it does not wait");
    expect(status.delayMs).toBe(150_000);
    expect(status.failure?.code).toBe("restarting");
    expect(world.host.size).toBe(0);
  });

  it("ends what does not finish in time, as reset", async () => {
    await using world = await stage({ onStream: (stream, session) => session.listen(stream, hears({})) });
    const client = world.open();
    await until(() => client.sessions.length === 1);
    const stream = client.sessions[0]!.open(KIND.tcp, NOTHING, hears({}));
    stream.write(Buffer.from("x"));
    await until(() => [...world.accepted[0]!.streams()].length === 1);
    await world.host.drain(50, 0);
    await until(() => stream.received !== undefined);
    expect(stream.received?.type).toBe("reset");
  });

  it.each([
    ["nobody on it waits for its end", KIND.control, 5_000],
    ["somebody on it may still be served", KIND.tcp, 65_000],
  ])("waits for a session that is away no longer than it must: %s", async (_, kind, waitsMs) => {
    const clock = new ManualClock();
    await using world = await stage({
      clock,
      onStream: (stream, session) => session.listen(stream, hears({})),
    });
    let reachable = true;
    const client = world.open({
      dial: (attempt) => (reachable ? world.arena.dial(attempt) : Promise.reject(new Error("no way there"))),
    });
    await until(() => client.sessions.length === 1);
    client.sessions[0]!.open(kind, NOTHING, hears({}));
    await until(() => [...world.accepted[0]!.streams()].length === 1);
    reachable = false;
    world.arena.cut();
    await until(() => world.away.length === 1);
    let over = false;
    const drained = world.host.drain(60_000, 0).then(() => (over = true));
    // Each step of it is armed when the one before has come to its end.
    for (let waitedMs = 0; waitedMs < waitsMs; waitedMs += 1_000) {
      await new Promise(setImmediate);
      expect(over).toBe(false);
      clock.advance(1_000);
    }
    await until(() => over);
    await drained;
  });

  it("closes with strangers at the door, and takes nobody afterwards", async () => {
    const world = await stage();
    const silent = stranger(world);
    await world[Symbol.asyncDispose]();
    await until(() => silent.lost.length === 1);
    const late = stranger(world);
    await until(() => late.lost.length === 1);
  });
});
