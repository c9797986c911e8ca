import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Resolver, openSocket } from "@holdfast/net/node";
import type { Address } from "@holdfast/net/node";
import { ManualClock } from "./manual-clock.ts";
import { serve } from "./sockets.ts";

const OLD: Address[] = [{ address: "127.0.0.2", family: 4 }];
const NEW: Address[] = [{ address: "127.0.0.3", family: 4 }];

/** A lookup whose answers the test gives. */
function scriptedLookup() {
  const asked: string[] = [];
  const answers: { resolve(addresses: readonly Address[]): void; reject(error: Error): void }[] = [];
  const lookup = (host: string): Promise<readonly Address[]> => {
    asked.push(host);
    return new Promise((resolve, reject) => answers.push({ resolve, reject }));
  };
  return { asked, answers, lookup };
}

describe("Resolver", () => {
  it("looks up afresh at each dial", async () => {
    const { asked, answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock: new ManualClock() });
    const first = resolver.resolve("relay");
    answers[0]?.resolve(OLD);
    expect((await first).addresses).toEqual(OLD);
    const second = resolver.resolve("relay");
    answers[1]?.resolve(NEW);
    expect((await second).addresses).toEqual(NEW);
    expect(asked).toEqual(["relay", "relay"]);
  });

  it("two dials at once share one lookup; another host has its own", async () => {
    const { asked, answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock: new ManualClock() });
    const dials = [resolver.resolve("relay"), resolver.resolve("relay"), resolver.resolve("other")];
    expect(asked).toEqual(["relay", "other"]);
    answers[0]?.resolve(OLD);
    answers[1]?.resolve(NEW);
    expect((await Promise.all(dials)).map(({ addresses }) => addresses)).toEqual([OLD, OLD, NEW]);
  });

  it("a lookup that is late is not a failed dial: the last good addresses, then what it brings", async () => {
    const clock = new ManualClock();
    const { asked, answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock });
    const warm = resolver.resolve("relay");
    answers[0]?.resolve(OLD);
    await warm;
    const dial = resolver.resolve("relay");
    clock.advance(1_999);
    const early = await Promise.race([dial, setImmediate("still waiting")]);
    expect(early).toBe("still waiting");
    clock.advance(1);
    const { addresses, late } = await dial;
    expect(addresses).toEqual(OLD);
    // The next dial joins the lookup that still runs.
    const next = resolver.resolve("relay");
    expect(asked).toHaveLength(2);
    answers[1]?.resolve(NEW);
    expect(await late).toEqual(NEW);
    expect((await next).addresses).toEqual(NEW);
    expect(clock.armed).toBe(0);
  });

  it("a failed lookup gives the last good addresses at once", async () => {
    const { answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock: new ManualClock() });
    const warm = resolver.resolve("relay");
    answers[0]?.resolve(OLD);
    await warm;
    const dial = resolver.resolve("relay");
    answers[1]?.reject(new Error("EAI_AGAIN"));
    expect(await dial).toEqual({ addresses: OLD, late: undefined });
  });

  it("without last good addresses a failed lookup is the dial's failure", async () => {
    const { answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock: new ManualClock() });
    const dial = resolver.resolve("relay\u001b[2J");
    answers[0]?.reject(new Error("ENOTFOUND"));
    const error = await dial.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "name_not_resolved", kind: "transient" });
    expect(String(error)).not.toContain("\u001b");
  });

  it("a dial that joined an older lookup asks again when that one fails", async () => {
    const { asked, answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock: new ManualClock() });
    const first = resolver.resolve("relay").catch(() => "failed");
    const second = resolver.resolve("relay");
    answers[0]?.reject(new Error("offline"));
    expect(await first).toBe("failed");
    await setImmediate();
    expect(asked).toHaveLength(2);
    answers[1]?.resolve(NEW);
    expect((await second).addresses).toEqual(NEW);
  });

  it("keeps no more hosts than its limit", async () => {
    let answer: readonly Address[] = OLD;
    const resolver = new Resolver({ lookup: async () => answer, clock: new ManualClock(), maxHosts: 2 });
    for (const host of ["a", "b", "c"]) await resolver.resolve(host);
    answer = [];
    await expect(resolver.resolve("a")).rejects.toMatchObject({ code: "name_not_resolved" });
    expect((await resolver.resolve("c")).addresses).toEqual(OLD);
  });
});

describe("openSocket with a resolver", () => {
  it("a resolver that never answers ends at the dial's own deadline", async () => {
    const clock = new ManualClock();
    const resolver = new Resolver({ lookup: () => new Promise(() => undefined), clock });
    const dial = openSocket({ host: "relay", port: 1 }, { resolver, clock, timeoutMs: 7_000 });
    await setImmediate();
    clock.advance(7_000);
    await expect(dial).rejects.toMatchObject({ code: "timed_out" });
    expect(clock.armed).toBe(0);
  });

  it("dials the last good address while the lookup is late", async () => {
    await using server = await serve();
    const clock = new ManualClock();
    const { answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock });
    const port = "port" in server.endpoint ? server.endpoint.port : 0;
    const open = () => openSocket({ host: "relay", port }, { resolver, clock });
    const first = open();
    answers[0]?.resolve([{ address: "127.0.0.1", family: 4 }]);
    (await first).destroy();
    const second = open();
    await setImmediate();
    clock.advance(2_000);
    (await second).destroy();
    expect(answers).toHaveLength(2);
  });

  it("when the last good address is dead it uses what the late lookup brings", async () => {
    await using server = await serve();
    const clock = new ManualClock();
    const { answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock });
    const port = "port" in server.endpoint ? server.endpoint.port : 0;
    const warm = resolver.resolve("relay");
    // Nobody listens there: refused at once.
    answers[0]?.resolve([{ address: "127.0.0.77", family: 4 }]);
    await warm;
    const dial = openSocket({ host: "relay", port }, { resolver, clock });
    await setImmediate();
    clock.advance(2_000);
    const pending = await Promise.race([dial, setImmediate("still waiting")]);
    expect(pending).toBe("still waiting");
    answers[1]?.resolve([{ address: "127.0.0.1", family: 4 }]);
    const socket = await dial;
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
  });

  it("a failing late lookup leaves the real error of the last good address", async () => {
    const clock = new ManualClock();
    const { answers, lookup } = scriptedLookup();
    const resolver = new Resolver({ lookup, clock });
    const gone = await serve();
    await gone.close();
    const port = "port" in gone.endpoint ? gone.endpoint.port : 0;
    const warm = resolver.resolve("relay");
    answers[0]?.resolve([{ address: "127.0.0.1", family: 4 }]);
    await warm;
    const dial = openSocket({ host: "relay", port }, { resolver, clock });
    await setImmediate();
    clock.advance(2_000);
    answers[1]?.reject(new Error("offline"));
    await expect(dial).rejects.toMatchObject({ code: "connection_refused" });
  });
});
