import { once } from "node:events";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { openSocket, splice } from "@holdfast/net/node";
import { readDirectly, type DirectRead } from "../../src/node/direct-read.ts";
import { closed, noise, pair, readAll, serve, until } from "./sockets.ts";

/** What a socket that was read directly gave, chunk by chunk, copied. */
function collect(socket: Socket): { chunks: Buffer[]; reading: DirectRead | undefined } {
  const chunks: Buffer[] = [];
  const reading = readDirectly(socket, (bytes) => {
    chunks.push(Buffer.from(bytes));
    return true;
  });
  return { chunks, reading };
}

describe("reading directly", () => {
  it("works in every Node that is supported, on sockets that dialled and on those that were accepted", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    for (const [reader, writer] of [
      [near, far],
      [far, near],
    ] as const) {
      const { chunks, reading } = collect(reader);
      expect(reading).toBeDefined();
      // A listener, so that bytes that came the other way would not be thrown away unseen.
      reader.on("data", () => expect.unreachable());
      reader.resume();
      writer.write("hello");
      await until(() => Buffer.concat(chunks).toString() === "hello");
    }
    near.destroy();
  });

  it("gives what was read before by `data`, and first", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    near.unshift(Buffer.from("early "));
    const seen: string[] = [];
    near.on("data", (chunk: Buffer) => seen.push(String(chunk)));
    near.pause();
    readDirectly(near, (bytes) => {
      seen.push(String(bytes));
      return true;
    });
    far.end("late");
    near.resume();
    await once(near, "end");
    expect(seen).toEqual(["early ", "late"]);
    near.destroy();
  });

  it("stops when it is told to, leaves the bytes alone until it goes on, and uses larger buffers for more", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    const sent = noise(3_000_000);
    const got: Buffer[] = [];
    const lengths: number[] = [];
    readDirectly(near, (bytes) => {
      const copy = Buffer.from(bytes);
      got.push(copy);
      lengths.push(bytes.length);
      setImmediate(() => {
        expect(bytes.equals(copy)).toBe(true);
        near.resume();
      });
      return false;
    });
    near.on("data", () => expect.unreachable());
    near.resume();
    far.end(sent);
    await once(near, "end");
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    expect(lengths[0]).toBeLessThanOrEqual(4_096);
    expect(Math.max(...lengths)).toBeGreaterThan(65_536);
    near.destroy();
  });

  it("lets other sockets have their turn after each full buffer", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    const sent = noise(6_000_000);
    let got = 0;
    let full = 0;
    let othersWait = false;
    let inOneTurn = 0;
    readDirectly(near, (bytes) => {
      got += bytes.length;
      if (bytes.length < 262_144) return true;
      full += 1;
      if (othersWait) inOneTurn += 1;
      othersWait = true;
      setImmediate(() => (othersWait = false));
      return true;
    });
    far.end(sent);
    near.on("data", () => expect.unreachable()).resume();
    await once(near, "end");
    expect(got).toBe(sent.length);
    expect(full).toBeGreaterThan(2);
    expect(inOneTurn).toBe(0);
    near.destroy();
  });

  it("bounds the large buffers of all sockets together, and gives them back", async () => {
    await using server = await serve();
    const sent = noise(400_000);
    const readAtOnce = async (count: number): Promise<number> => {
      const pairs = [];
      for (let i = 0; i < count; i++) pairs.push(await pair(server));
      const readings = pairs.map(([near]) => collect(near));
      for (const [, far] of pairs) far.write(sent);
      for (const [near] of pairs) near.on("data", () => expect.unreachable()).resume();
      const whole = ({ chunks }: { chunks: Buffer[] }): boolean =>
        chunks.reduce((sum, { length }) => sum + length, 0) === sent.length;
      await until(() => readings.every(whole));
      for (const { chunks } of readings) expect(Buffer.concat(chunks).equals(sent)).toBe(true);
      for (const [near, far] of pairs) {
        far.destroy();
        near.destroy();
        await closed(near);
      }
      for (const { reading } of readings) reading?.end(true);
      return readings.filter(({ chunks }) => chunks.some(({ length }) => length > 65_536)).length;
    };
    expect(await readAtOnce(150)).toBeLessThanOrEqual(128);
    expect(await readAtOnce(20)).toBeGreaterThan(0);
  });

  it("leaves sockets alone that are not connected, destroyed, read directly already, or of another kind", async () => {
    await using server = await serve();
    const take = (): boolean => true;
    expect(readDirectly(new Socket(), take)).toBeUndefined();
    const near = await openSocket(server.endpoint);
    expect(readDirectly(near, take)).toBeDefined();
    expect(readDirectly(near, take)).toBeUndefined();
    near.destroy();
    const other = await openSocket(server.endpoint);
    Object.setPrototypeOf(other, class extends Socket {}.prototype);
    expect(readDirectly(other, take)).toBeUndefined();
    other.destroy();
    expect(readDirectly(other, take)).toBeUndefined();
  });

  it("is left out of a splice whose bytes somebody else wants to see, which works all the same", async () => {
    await using front = await serve();
    await using back = await serve();
    const [visitor, a] = await pair(front);
    const [b, service] = await pair(back);
    const [there, andBack] = [noise(2_000_000), noise(1_000_000)];
    let seen = 0;
    for (const socket of [a, b]) socket.on("data", (chunk: Buffer) => (seen += chunk.length)).pause();
    const result = splice(a, b);
    visitor.end(there);
    service.end(andBack);
    const [got, returned] = await Promise.all([readAll(service), readAll(visitor)]);
    expect([got.equals(there), returned.equals(andBack)]).toEqual([true, true]);
    expect(seen).toBe(3_000_000);
    expect(await result).toEqual({ bytesAToB: 2_000_000, bytesBToA: 1_000_000, error: undefined });
  });
});
