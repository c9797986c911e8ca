import { once } from "node:events";
import type { Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { resetSocket, socketBytes } from "@holdfast/net/node";
import type { AcceptedByteLink } from "@holdfast/net";
import { testCertificate } from "./certificates.ts";
import { closed, noise, pair, serve, sha256, temporaryFolder, until } from "./sockets.ts";
import type { TestServer } from "./sockets.ts";

const certificate = testCertificate();

/** Two ends of a connection, the way it is made. */
type Pairing = (server: TestServer) => Promise<readonly [near: Socket, far: Socket]>;

const tlsPair: Pairing = async (server) => {
  const [near, far] = await pair(server);
  const tls = createTlsServer({ key: certificate.key, cert: certificate.cert, allowHalfOpen: true });
  const accepted = once(tls, "secureConnection") as Promise<[TLSSocket]>;
  tls.emit("connection", far);
  const dialled = connectTls({ socket: near, ca: certificate.cert, servername: "localhost" });
  await once(dialled, "secureConnect");
  return [dialled, (await accepted)[0]];
};

/** Everything that comes, whole at the end; some pieces are said to be held, and are looked at again later. */
function takeAll(
  link: AcceptedByteLink,
  everyNthIsKept: number,
): { bytes: () => Buffer; pieces: Uint8Array[] } {
  const copies: Buffer[] = [];
  const pieces: Uint8Array[] = [];
  const kept: { piece: Uint8Array; copy: Buffer }[] = [];
  link.read((piece) => {
    const copy = Buffer.from(piece);
    copies.push(copy);
    pieces.push(piece);
    const keep = pieces.length % everyNthIsKept === 0;
    if (keep) kept.push({ piece, copy });
    return !keep;
  });
  return {
    pieces,
    bytes() {
      for (const { piece, copy } of kept)
        expect(copy.equals(piece), "a piece that is held changed").toBe(true);
      return Buffer.concat(copies);
    },
  };
}

function sendInPieces(link: AcceptedByteLink, bytes: Buffer): void {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 90_001) {
    link.cork();
    link.write(bytes.subarray(at, at + 8));
    link.write(bytes.subarray(at + 8, at + Math.max(size, 8)));
    link.uncork();
    size = Math.max(size, 8);
  }
}

describe.each<[string, Pairing]>([
  ["TCP", pair],
  ["TLS", tlsPair],
])("a %s socket as a link of bytes", (kind, makePair) => {
  it("carries bytes both ways at once, whatever is held of them", async () => {
    await using server = await serve();
    for (const everyNthIsKept of [1, 2, 3, Infinity]) {
      const [a, b] = (await makePair(server)).map((socket) => socketBytes(socket));
      if (a === undefined || b === undefined) return expect.unreachable();
      const [there, back] = [noise(3_000_000), noise(2_000_000)];
      const [atA, atB] = [takeAll(a, everyNthIsKept), takeAll(b, everyNthIsKept)];
      sendInPieces(a, there);
      sendInPieces(b, back);
      a.end();
      await new Promise((ended) => b.onEnd(ended));
      expect(sha256(atB.bytes())).toBe(sha256(there));
      b.end();
      await new Promise((ended) => a.onEnd(ended));
      expect(sha256(atA.bytes())).toBe(sha256(back));
    }
  });

  it("gives large pieces to who takes them at once, and their memory again", async () => {
    await using server = await serve();
    const [a, b] = (await makePair(server)).map((socket) => socketBytes(socket));
    if (a === undefined || b === undefined) return expect.unreachable();
    const { pieces, bytes } = takeAll(b, Infinity);
    const sent = noise(8_000_000);
    a.write(sent);
    await until(() => pieces.reduce((sum, { length }) => sum + length, 0) === sent.length);
    bytes();
    const memories = new Set(pieces.map(({ buffer }) => buffer));
    expect(memories.size).toBeLessThanOrEqual(3);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeGreaterThan(65_536);
    a.close();
    b.close();
  });

  it("holds back what comes, also in the middle of a delivery, and loses nothing", async () => {
    await using server = await serve();
    const [a, b] = (await makePair(server)).map((socket) => socketBytes(socket));
    if (a === undefined || b === undefined) return expect.unreachable();
    const sent = noise(4_000_000);
    const copies: Buffer[] = [];
    let held = false;
    let gotWhileHeld = false;
    b.read((piece) => {
      gotWhileHeld ||= held;
      copies.push(Buffer.from(piece));
      held = true;
      b.hold(true);
      setTimeout(() => {
        held = false;
        b.hold(false);
      }, 1);
      return copies.length % 3 !== 0;
    });
    a.write(sent);
    a.end();
    await new Promise((ended) => b.onEnd(ended));
    expect(sha256(Buffer.concat(copies))).toBe(sha256(sent));
    expect(gotWhileHeld).toBe(false);
    b.close();
  });

  it("keeps account of what the system has not taken", async () => {
    await using server = await serve();
    const [near, far] = await makePair(server);
    const [a, b] = [socketBytes(near), socketBytes(far)];
    expect(a.queuedBytes).toBe(0);
    let calls = 0;
    a.onTaken(() => calls++);
    for (let i = 0; i < 400; i++) a.write(noise(65_536));
    expect(a.queuedBytes).toBeGreaterThan(1_000_000);
    let got = 0;
    b.read((piece) => {
      got += piece.length;
      return true;
    });
    await until(() => a.queuedBytes === 0);
    await until(() => got === 400 * 65_536);
    expect(calls).toBeGreaterThan(0);
    a.close();
    expect(() => a.write(Buffer.from("too late"))).not.toThrow();
    await closed(near);
    b.close();
  });

  it("says once how it ended, and nothing after close", async () => {
    await using server = await serve();
    const [near, far] = await makePair(server);
    const [a, b] = [socketBytes(near), socketBytes(far)];
    let ends = 0;
    a.onEnd(() => expect.unreachable());
    a.read(() => true);
    b.read(() => true);
    const ended = new Promise((resolve) =>
      b.onEnd((cause) => {
        ends += 1;
        resolve(cause);
      }),
    );
    a.close();
    expect(await ended).toBeUndefined();
    b.close();
    await closed(far);
    await closed(near);
    expect(ends).toBe(1);
    if (kind !== "TCP") return;
    const [one, other] = await makePair(server);
    const link = socketBytes(other);
    link.read(() => true);
    const cause = new Promise((resolve) => link.onEnd(resolve));
    resetSocket(one);
    expect(await cause).toMatchObject({ code: "connection_reset", fault: "peer" });
  });
});

describe("what is known of a plain socket", () => {
  it("is confidential on loopback and over unix sockets, and knows who is there", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    const link = socketBytes(far);
    expect(link.remoteAddress).toBe("127.0.0.1");
    expect(link.trust).toEqual({ confidential: true, exporter: undefined, relayIdentity: "name:localhost" });
    near.destroy();
    await using folder = await temporaryFolder();
    await using local = await serve({ path: `${folder.path}/s` });
    const [dialled, accepted] = await pair(local);
    expect(socketBytes(accepted).remoteAddress).toBe("unix");
    expect(socketBytes(accepted).trust.confidential).toBe(true);
    dialled.destroy();
  });

  it("tells of an end that came before anybody listened", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    near.destroy();
    far.resume();
    await once(far, "end");
    const link = socketBytes(far);
    expect(await new Promise((resolve) => link.onEnd(resolve))).toBeUndefined();
    link.close();
  });

  it("closes by itself after an orderly end of both sides, and reads the bytes of before `read`", async () => {
    await using server = await serve();
    const [near, far] = await pair(server);
    far.unshift(Buffer.from("early "));
    const link = socketBytes(far);
    const seen: string[] = [];
    near.end("late");
    const ended = new Promise((resolve) => link.onEnd(resolve));
    link.read((piece) => seen.push(String(piece)) > 0);
    await ended;
    expect(seen.join("")).toBe("early late");
    near.resume();
    link.end();
    await closed(far);
  });
});
