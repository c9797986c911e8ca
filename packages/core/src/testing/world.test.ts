import { describe, expect, it } from "vitest";
import { Dice, Host, Pipe, Violation, World, type PipeEnding } from "./index.ts";

describe("World", () => {
  it("lets what is due happen in order of time", () => {
    const world = new World({ seed: 1 });
    const seen: number[] = [];
    for (const at of [30, 10, 20]) world.at(at, () => seen.push(world.now));
    world.runNow(100);
    expect(seen).toEqual([10, 20, 30]);
    expect(world.now).toBe(100);
  });

  it("orders what happens at one instant by its seed, and always the same way", () => {
    const orderOf = (seed: number): string => {
      const world = new World({ seed });
      const seen: number[] = [];
      for (let i = 0; i < 10; i++) world.at(5, () => seen.push(i));
      world.runNow(10);
      return seen.join();
    };
    expect(orderOf(1)).toBe(orderOf(1));
    expect(orderOf(1)).not.toBe(orderOf(2));
  });

  it("ends a livelock with its seed", () => {
    const world = new World({ seed: 42, mostAtOnce: 100 });
    const again = (): void => void world.after(0, again);
    again();
    expect(() => world.runNow(1)).toThrowError(/livelock.*seed 42/);
  });

  it("fails a run even if what is under test swallows the violation", async () => {
    const world = new World({ seed: 1 });
    world.at(1, () => {
      try {
        world.fail("I1", "seen");
      } catch {
        // As a library does with a listener that throws.
      }
    });
    await expect(world.run(10)).rejects.toBeInstanceOf(Violation);
  });
});

describe("Host", () => {
  it("halts monotonic time in a suspend, and wall time not; timers wait out their time", () => {
    const world = new World({ seed: 1 });
    const host = new Host(world);
    const wallAtStart = host.clock.wall();
    const fired: number[] = [];
    host.clock.timer(() => fired.push(world.now)).set(1_000);
    world.runNow(400);
    host.suspend(5_000);
    world.runNow(10_000);
    expect(fired).toEqual([6_000]);
    expect(host.clock.mono()).toBe(5_000);
    expect(host.clock.wall() - wallAtStart).toBe(10_000);
  });

  it("fires late after a stall, and takes in what came meanwhile", () => {
    const world = new World({ seed: 1 });
    const host = new Host(world);
    const seen: string[] = [];
    host.clock.timer(() => seen.push(`timer ${world.now}`)).set(1_000);
    host.stall(3_000);
    world.at(500, () => host.deliver(() => seen.push("bytes")));
    world.runNow(5_000);
    expect(seen).toEqual(["timer 3000", "bytes"]);
    expect(host.clock.mono()).toBe(5_000);
  });

  it("refuses a delay that no timer can take", () => {
    const host = new Host(new World({ seed: 1 }));
    expect(() => host.clock.timer(() => undefined).set(2 ** 31)).toThrowError(/I4/);
  });
});

describe("Pipe", () => {
  const open = (out: {
    cutAtByte?: number;
    dropAbove?: number;
    bytesPerMs?: number;
    forgetsAfterMs?: number;
  }) => {
    const world = new World({ seed: 3 });
    const traits = { out: { latencyMs: 10, jitterMs: 20, ...out }, back: { latencyMs: 10 } };
    const pipe = new Pipe<number>(world, Dice.seeded(5), traits);
    const got: number[] = [];
    const endings: PipeEnding[] = [];
    pipe.far.listen({ message: (message) => got.push(message), ended: (how) => endings.push(how) });
    return { world, pipe, got, endings };
  };

  it("keeps the order in spite of jitter, and lets a FIN come last", () => {
    const { world, pipe, got, endings } = open({});
    for (let i = 0; i < 50; i++) pipe.near.send(i, 10);
    pipe.near.close();
    world.runNow(1_000);
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(endings).toEqual(["closed"]);
  });

  it("breaks at the byte that it was told", () => {
    const { world, pipe, got, endings } = open({ cutAtByte: 25 });
    for (let i = 0; i < 5; i++) pipe.near.send(i, 10);
    world.runNow(1_000);
    expect(got).toEqual([]);
    expect(endings).toEqual(["reset"]);
  });

  it("drops large messages and forgets idle connections, and tells nobody", () => {
    const large = open({ dropAbove: 1_200 });
    large.pipe.near.send(1, 1_201);
    large.pipe.near.send(2, 1_200);
    large.world.runNow(1_000);
    expect(large.got).toEqual([2]);
    const idle = open({ forgetsAfterMs: 5_000 });
    idle.world.runNow(6_000);
    idle.pipe.near.send(1, 10);
    idle.world.runNow(10_000);
    expect([idle.got, idle.endings]).toEqual([[], []]);
  });

  it("lets small messages wait behind bulk", () => {
    const { world, pipe, got } = open({ bytesPerMs: 1 });
    pipe.near.send(1, 1_000);
    pipe.near.send(2, 1);
    world.runNow(900);
    expect(got).toEqual([]);
    world.runNow(1_100);
    expect(got).toEqual([1, 2]);
  });
});
