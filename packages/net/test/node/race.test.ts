import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { AddressRace, HEAD_START_MS, interleave } from "../../src/node/race.ts";
import { ManualClock } from "./manual-clock.ts";

/** A race whose sockets connect or fail when the test says so. */
function scriptedRace() {
  const clock = new ManualClock();
  const started = new Map<string, Socket>();
  const race = new AddressRace<string>((address) => {
    const socket = new Socket();
    started.set(address, socket);
    return socket;
  }, clock);
  return { clock, race, started };
}

describe("AddressRace", () => {
  it("gives the first address a second for itself, then races both; the loser is destroyed", async () => {
    const { clock, race, started } = scriptedRace();
    race.add(["a", "b"]);
    expect([...started.keys()]).toEqual(["a"]);
    clock.advance(HEAD_START_MS - 1);
    expect(started.size).toBe(1);
    clock.advance(1);
    expect([...started.keys()]).toEqual(["a", "b"]);
    started.get("a")?.emit("connect");
    expect(await race.winner).toBe(started.get("a"));
    expect(started.get("a")?.destroyed).toBe(false);
    expect(started.get("b")?.destroyed).toBe(true);
    expect(clock.armed).toBe(0);
  });

  it("goes on to the next at once when one fails", async () => {
    const { race, started } = scriptedRace();
    race.add(["a", "b"]);
    started.get("a")?.emit("error", new Error("refused"));
    started.get("b")?.emit("connect");
    expect(await race.winner).toBe(started.get("b"));
  });

  it("a slow address is not given up: it may still win after every other one failed", async () => {
    const { clock, race, started } = scriptedRace();
    race.add(["slow", "b"]);
    clock.advance(HEAD_START_MS);
    started.get("b")?.emit("error", new Error("refused"));
    clock.advance(5_000);
    started.get("slow")?.emit("connect");
    expect(await race.winner).toBe(started.get("slow"));
  });

  it("loses with every error when all have failed", async () => {
    const { race, started } = scriptedRace();
    race.add(["a", "b"]);
    started.get("a")?.emit("error", new Error("one"));
    started.get("b")?.emit("error", new Error("two"));
    const error = (await race.winner.catch((thrown: unknown) => thrown)) as AggregateError;
    expect(error.errors.map(String)).toEqual(["Error: one", "Error: two"]);
  });

  it("waits for more addresses while more are expected", async () => {
    const { race, started } = scriptedRace();
    race.add(["a"], true);
    started.get("a")?.emit("error", new Error("refused"));
    race.add(["late"]);
    started.get("late")?.emit("connect");
    expect(await race.winner).toBe(started.get("late"));
  });

  it("loses when nothing more comes after all", async () => {
    const { race, started } = scriptedRace();
    race.add(["a"], true);
    started.get("a")?.emit("error", new Error("refused"));
    race.add([]);
    await expect(race.winner).rejects.toThrow("refused");
  });

  it("destroys every socket when it is called off", async () => {
    const { clock, race, started } = scriptedRace();
    race.add(["a", "b"]);
    clock.advance(HEAD_START_MS);
    race.cancel(new Error("stop"));
    await expect(race.winner).rejects.toThrow("stop");
    expect([...started.values()].map((socket) => socket.destroyed)).toEqual([true, true]);
    expect(clock.armed).toBe(0);
  });
});

describe("interleave", () => {
  it("alternates families, the system's first choice first", () => {
    const at = (address: string, family: number) => ({ address, family });
    const given = [at("a6", 6), at("b6", 6), at("c6", 6), at("a4", 4)];
    expect(interleave(given).map(({ address }) => address)).toEqual(["a6", "a4", "b6", "c6"]);
    expect(interleave([])).toEqual([]);
  });
});
