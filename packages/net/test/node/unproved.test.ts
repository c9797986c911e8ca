// What somebody who has proved nothing may make this end keep, over every transport. The clock stands still, so that
// nobody is hung up on for being late.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import type { Clock, HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { listenHoldfast, nodeCrypto, webSocket } from "@holdfast/net/node";
import { hostSessions, openSession } from "@holdfast/net/session";
import { KIND } from "@holdfast/core/session";
import { testCertificate } from "./certificates.ts";
import { ManualClock } from "./manual-clock.ts";
import { request } from "./raw-client.ts";
import { until } from "./sockets.ts";

const certificate = testCertificate();
const PIECE_BYTES = 1_024;
/** What a session may send in one message is a mebibyte; who is not in one gets nowhere near. */
const MOST_TAKEN_BYTES = 64 * 1_024;

interface Relay {
  readonly port: number;
  readonly refused: HoldfastError[];
  readonly received: () => number;
  [Symbol.asyncDispose](): Promise<void>;
}

async function relay(clock: Clock = new ManualClock()): Promise<Relay> {
  const refused: HoldfastError[] = [];
  let receivedBytes = 0;
  const host = hostSessions({
    crypto: nodeCrypto(),
    clock,
    onSession: () => undefined,
    onStream(stream, session) {
      session.listen(stream, {
        readable() {
          for (let piece = stream.read(); piece !== undefined; piece = stream.read()) {
            receivedBytes += piece.length;
            stream.consumed(piece.length);
          }
        },
        writable: () => undefined,
        forgotten: () => undefined,
      });
    },
    onRefused: (failure) => void refused.push(failure),
  });
  const listener = await listenHoldfast({
    endpoint: { host: "127.0.0.1", port: 0 },
    tls: certificate,
    clock,
    onLink: (link) => host.take(link),
  });
  return {
    port: (listener.endpoint as { port: number }).port,
    refused,
    received: () => receivedBytes,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await host.close();
    },
  };
}

async function plain(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function secure(port: number, alpn: string): Promise<Socket> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: [alpn] });
  await once(socket, "secureConnect");
  return socket;
}

async function upgraded(socket: Socket, port: number): Promise<Socket> {
  socket.write(
    request([
      "GET / HTTP/1.1",
      `Host: 127.0.0.1:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol: holdfast.1",
    ]),
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toContain("101");
  return socket;
}

const ways: Readonly<Record<string, (port: number) => Promise<Socket>>> = {
  plain,
  tls: (port) => secure(port, "holdfast/1"),
  ws: async (port) => upgraded(await plain(port), port),
  wss: async (port) => upgraded(await secure(port, "http/1.1"), port),
};

/** Say it again and again until the other end hangs up. @returns how many bytes were taken by then. */
async function pour(socket: Socket, first: Buffer, piece: Buffer): Promise<number> {
  let gone = false;
  socket.on("error", () => (gone = true)).on("close", () => (gone = true));
  socket.resume();
  let taken = 0;
  for (let next = first; !gone; next = piece) {
    await new Promise((resolve) => socket.write(next, resolve));
    if (!gone) taken += next.length;
    // The other end shall see each by itself, and be heard.
    await setImmediate();
    await setImmediate();
    if (taken > 16 * MOST_TAKEN_BYTES) break;
  }
  socket.destroy();
  return taken;
}

/** A masked frame of a WebSocket that says it has so many bytes of payload. */
function webSocketHead(opcode: number, payloadBytes: number): Buffer {
  const head = Buffer.alloc(14);
  head[0] = opcode;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(payloadBytes), 2);
  return head;
}

const FIN_BINARY = 0x82;
const BINARY_TO_BE_CONTINUED = 0x02;
const CONTINUATION = 0x00;
const HELLO_OF_4_KIB = Buffer.from([0x01, 0, 0x10, 0, 0, 0, 0, 0]);

describe("before its handshake is done, a link keeps little of", () => {
  it.each(["ws", "wss"])("a message that never ends (%s)", async (way) => {
    await using place = await relay();
    const socket = await ways[way]!(place.port);
    const taken = await pour(socket, webSocketHead(FIN_BINARY, 1_000_000), Buffer.alloc(PIECE_BYTES));
    expect(taken).toBeLessThan(MOST_TAKEN_BYTES);
    await until(() => place.refused.length === 1);
    expect(place.refused[0]?.code).toBe("not_our_peer");
  });

  it.each(["ws", "wss"])("a message in ever more parts (%s)", async (way) => {
    await using place = await relay();
    const socket = await ways[way]!(place.port);
    const part = (opcode: number): Buffer =>
      Buffer.concat([webSocketHead(opcode, PIECE_BYTES), Buffer.alloc(PIECE_BYTES)]);
    const taken = await pour(socket, part(BINARY_TO_BE_CONTINUED), part(CONTINUATION));
    expect(taken).toBeLessThan(MOST_TAKEN_BYTES);
  });

  it.each(["plain", "tls"])("a first frame that is long, and goes on (%s)", async (way) => {
    await using place = await relay();
    const socket = await ways[way]!(place.port);
    const taken = await pour(socket, HELLO_OF_4_KIB, Buffer.alloc(PIECE_BYTES));
    expect(taken).toBeLessThan(MOST_TAKEN_BYTES);
    await until(() => place.refused.length > 0);
  });
});

it("afterwards a WebSocket may send long messages", async () => {
  await using place = await relay(systemClock);
  const line = openSession({
    dial: webSocket({ url: `ws://127.0.0.1:${place.port}` }),
    crypto: nodeCrypto(),
    reconnect: false,
    onSession(session) {
      const stream = session.open(KIND.tcp, new Uint8Array());
      stream.write(Buffer.alloc(200_000));
    },
  });
  await until(() => place.received() === 200_000);
  expect(line.line.status.epoch).toBe(1);
  await line.close();
});
