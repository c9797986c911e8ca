// Streams of a session in the shapes that other code wants: Node's Duplex and the platform's web streams.
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { KIND, RESET, type SessionStream } from "@holdfast/core/session";
import { streamDuplex } from "@holdfast/net/node";
import { webStream, type SessionHandle } from "@holdfast/net/session";
import { noise, sha256, until } from "../node/sockets.ts";
import { hears, stage, type Stage } from "./stage.ts";

interface Ends {
  readonly near: SessionHandle;
  readonly far: SessionHandle;
  /** A stream, from both ends. */
  pair(): Promise<readonly [SessionStream, SessionStream]>;
}

async function ends(world: (options: Parameters<typeof stage>[0]) => Promise<Stage>): Promise<Stage & Ends> {
  const streams: SessionStream[] = [];
  const made = await world({ onStream: (stream) => void streams.push(stream) });
  const client = made.open();
  await until(() => client.sessions.length === 1);
  const near = client.sessions[0]!;
  return Object.assign(made, {
    near,
    far: made.accepted[0]!,
    async pair() {
      const stream = near.open(KIND.tcp, new Uint8Array(), hears({}));
      await until(() => streams.length > 0);
      return [stream, streams.shift()!] as const;
    },
  });
}

/** Both ends of a stream as Duplex. */
async function duplexes(world: Ends): Promise<readonly [Duplex, Duplex]> {
  const [near, far] = await world.pair();
  const pair = [streamDuplex(near, world.near), streamDuplex(far, world.far)] as const;
  // As with any Duplex: without a listener, the error of a broken one ends the process.
  for (const duplex of pair) duplex.on("error", () => undefined);
  return pair;
}

describe("a stream as a Duplex", () => {
  it("carries bytes both ways, whole, with back-pressure, and ends each direction by itself", async () => {
    await using world = await ends(stage);
    const [near, far] = await duplexes(world);
    const [up, down] = [noise(3_000_000), noise(2_000_000)];
    const received = readOut(far);
    near.end(up);
    expect(sha256(await received)).toBe(sha256(up));
    expect(far.writable).toBe(true);
    const back = readOut(near);
    far.end(down);
    expect(sha256(await back)).toBe(sha256(down));
    await until(() => near.closed && far.closed);
    await until(() => world.near.figures.openStreams === 0);
  });

  it("lets a caller use its buffer again once a write is done", async () => {
    await using world = await ends(stage);
    const [near, far] = await duplexes(world);
    const received = readOut(far);
    const memory = Buffer.alloc(10_000);
    world.arena.cut();
    for (let i = 1; i <= 20; i++) {
      memory.fill(i);
      await new Promise<void>((resolve) => near.write(memory, () => resolve()));
    }
    memory.fill(255);
    near.end();
    const all = await received;
    expect(all.length).toBe(200_000);
    for (let i = 1; i <= 20; i++) expect(all[i * 10_000 - 1]).toBe(i);
  });

  it("is destroyed by a reset of the other side, and resets it when it is destroyed", async () => {
    await using world = await ends(stage);
    const [near, far] = await duplexes(world);
    near.write("x");
    await once(far, "readable");
    const error = once(near, "error") as Promise<[Error & { code: string }]>;
    far.destroy();
    expect((await error)[0].code).toBe("stream_reset");
    expect(near.readableEnded).toBe(false);
    await until(() => near.closed);
    await until(() => world.near.figures.openStreams === 0);
  });

  it("fails a pipeline through it when the session is lost", async () => {
    await using world = await ends(stage);
    const [near, far] = await duplexes(world);
    far.resume();
    far.on("error", () => undefined);
    const endless = async function* (): AsyncGenerator<Buffer> {
      for (;;) yield await Promise.resolve(noise(10_000));
    };
    const piping = pipeline(endless(), near);
    const failure = piping.then(
      () => "it ended",
      (thrown: { code: string }) => thrown.code,
    );
    await until(() => world.near.figures.sentBytes > 100_000);
    await world[Symbol.asyncDispose]();
    expect(await failure).toMatch(/session_lost|stream_reset/);
  });
});

describe("a stream as web streams", () => {
  it("carries bytes both ways, and ends each direction by itself", async () => {
    await using world = await ends(stage);
    const [near, far] = await world.pair();
    const [here, there] = [webStream(near, world.near), webStream(far, world.far)];
    const up = noise(2_000_000);
    const [received] = await Promise.all([readAll(there.readable), writeAll(here.writable, up)]);
    expect(sha256(received)).toBe(sha256(up));
    const [back] = await Promise.all([readAll(here.readable), writeAll(there.writable, up)]);
    expect(sha256(back)).toBe(sha256(up));
    await until(() => world.near.figures.openStreams === 0);
  });

  it("reads nothing ahead of its reader", async () => {
    await using world = await ends(stage);
    const [near, far] = await world.pair();
    const there = webStream(far, world.far);
    near.write(Buffer.alloc(5_000));
    await until(() => far.readableBytes === 5_000);
    const reader = (there.readable as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).value?.length).toBe(5_000);
  });

  it("makes a reset an error on both sides, and a cancelled reader a stop for the writer", async () => {
    await using world = await ends(stage);
    const [near, far] = await world.pair();
    const [here, there] = [webStream(near, world.near), webStream(far, world.far)];
    await (here.readable as ReadableStream).cancel();
    const writer = (there.writable as WritableStream<Uint8Array>).getWriter();
    await until(() => far.sent !== undefined);
    await expect(writer.write(noise(10))).rejects.toMatchObject({ code: "stream_reset" });
    expect(far.sent).toEqual({ type: "reset", code: RESET.noReader, by: "peer" });
    expect(near.sent).toBeUndefined();
    await writeAll(here.writable, noise(100));
    const [second, other] = await world.pair();
    const broken = webStream(other, world.far);
    second.reset(RESET.timeout);
    await expect(readAll(broken.readable)).rejects.toMatchObject({ code: "stream_reset" });
    await expect(writeAll(broken.writable, noise(10))).rejects.toMatchObject({ code: "stream_reset" });
  });
});

/** Everything up to the end, without ending the other direction. */
async function readOut(duplex: Duplex): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of duplex.iterator({ destroyOnReturn: false })) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function readAll(readable: unknown): Promise<Buffer> {
  return buffer(readable as ReadableStream<Uint8Array>);
}

async function writeAll(writable: unknown, bytes: Buffer): Promise<void> {
  const writer = (writable as WritableStream<Uint8Array>).getWriter();
  for (let at = 0; at < bytes.length; at += 30_000) await writer.write(bytes.subarray(at, at + 30_000));
  await writer.close();
}
