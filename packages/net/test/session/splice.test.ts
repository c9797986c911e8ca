// A socket and a stream become one connection: whole, in order, with half close, back-pressure and truthful ends.
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { SessionStream } from "@holdfast/core/session";
import { openSocket, onOrderlyEnd, spliceStream } from "@holdfast/net/node";
import type { StreamListener } from "@holdfast/net/session";
import { closed, noise, pair, readAll, serve, sha256, until, type TestServer } from "../node/sockets.ts";
import { smallTunnel, type SmallTunnel } from "./small-tunnel.ts";

/** Sends everything back. */
function echo(socket: Socket): void {
  onOrderlyEnd(socket, () => socket.end());
  socket.on("data", (bytes) => {
    if (!socket.write(bytes, () => socket.resume())) socket.pause();
  });
  socket.resume();
}

async function target(run: (socket: Socket) => void): Promise<TestServer> {
  const server = await serve();
  void (async () => {
    for (;;) run(await server.accept());
  })();
  return server;
}

/** One visitor: sends all, reads all that comes back, at its own pace. */
async function visit(tunnel: SmallTunnel, bytes: Buffer, slow = false): Promise<void> {
  const socket = await openSocket(tunnel.endpoint);
  const sending = send(socket, bytes);
  const came: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    came.push(chunk as Buffer);
    if (slow) await sleep(1);
  }
  await sending;
  expect(sha256(Buffer.concat(came))).toBe(sha256(bytes));
  await closed(socket);
}

async function send(socket: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 5) % 90_001) {
    if (!socket.write(bytes.subarray(at, at + step))) await once(socket, "drain");
  }
  socket.end();
}

/** Takes one write at a time, and says so; it has room again when it is asked. */
function narrowStream(): {
  readonly stream: SessionStream;
  readonly wrote: string[];
  readonly room: () => void;
} {
  const wrote: string[] = [];
  let full = false;
  const stream = {
    sent: undefined,
    received: undefined,
    readableBytes: 0,
    get writable() {
      return !full;
    },
    read: () => undefined,
    consumed: () => undefined,
    reset: () => undefined,
    end: () => wrote.push("end"),
    write(bytes: Buffer) {
      if (full) throw new Error("the queue is full");
      full = true;
      wrote.push(String(bytes));
      return false;
    },
  };
  return { stream: stream as unknown as SessionStream, wrote, room: () => (full = false) };
}

const LEAST_QUEUE = 1;

describe("a spliced stream", () => {
  it("carries 240 transfers whole, twelve at once, from nothing to 6 MB, slow readers among them", async () => {
    await using server = await target(echo);
    await using tunnel = await smallTunnel({ target: server.endpoint });
    const sizes = [0, 1, 100, 5_000, 65_536, 200_000, 1_000_003];
    const jobs = Array.from({ length: 240 }, (_, i) => ({
      bytes: noise(i % 40 === 39 ? 6_000_000 : (sizes[i % sizes.length] ?? 0)),
      slow: i % 12 === 5,
    }));
    const worker = async (): Promise<void> => {
      for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
        await visit(tunnel, job.bytes, job.slow);
      }
    };
    await Promise.all(Array.from({ length: 12 }, worker));
    await until(() => tunnel.atRelay.length === 240 && tunnel.atClient.length === 240);
    expect(tunnel.atRelay.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(tunnel.atClient.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(tunnel.atRelay.every(({ bytesIn, bytesOut }) => bytesIn === bytesOut)).toBe(true);
    expect(tunnel.host.size).toBe(1);
  }, 120_000);

  it("carries short pieces whole where a queue wants no second one", async () => {
    await using server = await target(echo);
    await using tunnel = await smallTunnel({ target: server.endpoint, limits: { queueBytes: LEAST_QUEUE } });
    const bytes = noise(200_000);
    const socket = await openSocket(tunnel.endpoint);
    const came = readAll(socket);
    // Each piece by itself, some of them just above what is held back for the others of its round.
    for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7) % 2_503) {
      socket.write(bytes.subarray(at, at + step));
      if (step % 5 === 0) await new Promise((go) => setImmediate(go));
    }
    socket.end();
    expect(sha256(await came)).toBe(sha256(bytes));
    await closed(socket);
  });

  it("is given as one what was read in one round, and nothing behind it before it has room", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    const { stream, wrote, room } = narrowStream();
    let listener: StreamListener | undefined;
    // Read already, so that it comes piece by piece within one turn.
    near.unshift("b".repeat(3_000));
    near.unshift("a");
    void spliceStream(near, stream, { listen: (_, given) => (listener = given) });
    await until(() => wrote.length > 0);
    expect(wrote).toEqual([`a${"b".repeat(3_000)}`]);
    far.end("c");
    await until(() => far.writableFinished);
    expect(near.isPaused()).toBe(true);
    room();
    listener?.writable(stream);
    await until(() => wrote.length === 2 && near.isPaused());
    room();
    listener?.writable(stream);
    await until(() => wrote.length === 3);
    expect(wrote.slice(1)).toEqual(["c", "end"]);
    near.destroy();
    far.destroy();
    await closed(near);
  });

  it("keeps little of what came with a few bytes for somebody who does not read", async () => {
    await using server = await serve();
    const far = await openSocket(server.endpoint);
    const near = await server.accept();
    // So much that the system does not take all of it, then bytes that lie in something large.
    const pieces = [
      Buffer.alloc(16_000_000, 1),
      ...Array.from({ length: 40 }, (_, i) => Buffer.alloc(262_144, i)),
    ];
    const stream = {
      read: () => (pieces.length === 41 ? pieces.shift() : pieces.shift()?.subarray(0, 3)),
      consumed: () => undefined,
      reset: () => undefined,
      received: undefined,
    } as unknown as SessionStream;
    const large = pieces.slice(1);
    const spliced = spliceStream(near, stream, { listen: () => undefined });
    await until(() => near.writableLength > 0);
    // What nobody keeps is read into again.
    for (const memory of large) memory.fill(255);
    let came = 0;
    const last: Buffer[] = [];
    for await (const chunk of far) {
      const bytes = chunk as Buffer;
      came += bytes.length;
      if (came > 16_000_000) last.push(bytes.subarray(Math.max(0, bytes.length - (came - 16_000_000))));
      if (came === 16_000_120) break;
    }
    expect([...Buffer.concat(last).subarray(-120)]).toEqual(
      Array.from({ length: 120 }, (_, i) => Math.floor(i / 3)),
    );
    near.destroy();
    await spliced;
  });

  it("lets one direction end while the other goes on", async () => {
    await using server = await serve();
    await using tunnel = await smallTunnel({ target: server.endpoint });
    const [visitor, far] = await Promise.all([openSocket(tunnel.endpoint), server.accept()]);
    visitor.end("question");
    expect(String(await readAll(far))).toBe("question");
    far.write("first, ");
    far.end("second");
    expect(String(await readAll(visitor))).toBe("first, second");
    await until(() => tunnel.atRelay.length === 1 && tunnel.atClient.length === 1);
    expect(tunnel.atRelay[0]).toEqual({ bytesIn: 13, bytesOut: 8, error: undefined });
  });

  it("resets the target when the visitor breaks off, and the visitor when the target does", async () => {
    await using server = await serve();
    await using tunnel = await smallTunnel({ target: server.endpoint });
    for (const who of ["visitor", "target"] as const) {
      const [visitor, far] = await Promise.all([openSocket(tunnel.endpoint), server.accept()]);
      visitor.write("x");
      far.resume();
      await once(far, "data");
      const [breaks, sees] = who === "visitor" ? [visitor, far] : [far, visitor];
      let ended = false;
      onOrderlyEnd(sees, () => (ended = true));
      sees.resume();
      breaks.resetAndDestroy();
      await closed(sees);
      expect(ended, `the other side of the ${who} saw an end`).toBe(false);
    }
    await until(() => tunnel.atRelay.length === 2 && tunnel.atClient.length === 2);
    for (const { error } of [...tunnel.atRelay, ...tunnel.atClient]) expect(error).toBeDefined();
    expect(tunnel.atClient[0]?.error?.code).toBe("stream_reset");
    expect(tunnel.atClient[0]?.error?.text).toContain("the connection behind it broke");
  });

  it("resets the visitor of a target that cannot be reached", async () => {
    const server = await serve();
    await server.close();
    await using tunnel = await smallTunnel({ target: server.endpoint });
    const visitor = await openSocket(tunnel.endpoint);
    visitor.resume();
    const [error] = (await once(visitor, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    expect(tunnel.atRelay[0]?.error?.text).toContain("cannot be reached");
  });

  it("breaks what is open when the session is lost, and never ends it", async () => {
    await using server = await serve();
    const tunnel = await smallTunnel({ target: server.endpoint });
    const [visitor, far] = await Promise.all([openSocket(tunnel.endpoint), server.accept()]);
    let ended = false;
    onOrderlyEnd(visitor, () => (ended = true));
    onOrderlyEnd(far, () => (ended = true));
    visitor.resume();
    far.resume();
    await tunnel[Symbol.asyncDispose]();
    await Promise.all([closed(visitor), closed(far)]);
    expect(ended).toBe(false);
  });

  it("holds a writer up whose reader does not read, within the windows", async () => {
    await using server = await serve();
    const limits = { maxWindow: 262_144, queueBytes: 65_536, replayBytes: 1_048_576 };
    await using tunnel = await smallTunnel({ target: server.endpoint, limits });
    const [visitor, far] = await Promise.all([openSocket(tunnel.endpoint), server.accept()]);
    const piece = noise(65_536);
    let taken = 0;
    for (let stalled = false; !stalled;) {
      expect(taken).toBeLessThan(64 * 1_048_576);
      const written = new Promise<void>((resolve) => visitor.write(piece, () => resolve()));
      stalled = await Promise.race([written.then(() => false), sleep(300, true)]);
      taken += piece.length;
    }
    const reading = readAll(far);
    visitor.end();
    const came = await reading;
    expect(came.length).toBe(taken);
    for (let at = 0; at < came.length; at += piece.length) {
      expect(piece.equals(came.subarray(at, at + piece.length))).toBe(true);
    }
  }, 60_000);
});
