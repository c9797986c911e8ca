import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { recordAttempt } from "@holdfast/net/compliance";
import type { AcceptedByteLink, ByteLink } from "@holdfast/net";
import { listenHoldfast, webSocket } from "@holdfast/net/node";
import { testCertificate } from "./certificates.ts";
import { noise, sha256, until } from "./sockets.ts";

const certificate = testCertificate();
const verify = (): { relayIdentity: string; verified: boolean } => ({
  relayIdentity: "pin:x",
  verified: true,
});

async function httpServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; port: number; [Symbol.dispose](): void }> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    server,
    port,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const dial = (port: number): Promise<ByteLink> =>
  webSocket({ url: `ws://127.0.0.1:${port}` })(recordAttempt());

describe("an upgrade that is refused", () => {
  it.each([
    [200, {}, { code: "not_our_peer", kind: "fatal" }],
    [302, { location: "http://portal.example" }, { code: "not_our_peer", kind: "fatal" }],
    [404, {}, { code: "not_our_peer", kind: "fatal" }],
    // Without TLS anybody may say that.
    [403, {}, { code: "not_our_peer", kind: "fatal" }],
    [401, {}, { code: "not_our_peer", kind: "fatal" }],
    [502, {}, { code: "unavailable", kind: "transient" }],
    [503, {}, { code: "unavailable", kind: "transient" }],
    [503, { "retry-after": "7" }, { code: "busy", kind: "throttled", retryAfterMs: 7_000 }],
    [429, { "retry-after": "3" }, { code: "busy", kind: "throttled", retryAfterMs: 3_000 }],
  ])("by %s %j says what to do", async (status, headers, wanted) => {
    using place = await httpServer((_, response) => response.writeHead(status, headers).end());
    // A page is an answer to a request, an upgrade gets none without this.
    place.server.on("upgrade", (_, socket) => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      socket.end(`HTTP/1.1 ${status} X\r\n${lines.join("")}content-length: 0\r\n\r\n`);
    });
    await expect(dial(place.port)).rejects.toMatchObject({ ...wanted, fault: "peer" });
  });

  it("by our own gate over TLS is final", async () => {
    const listener = await listenHoldfast({
      endpoint: { host: "127.0.0.1", port: 0 },
      tls: certificate,
      onLink: () => expect.unreachable(),
    });
    const { port } = listener.endpoint as { port: number };
    const refused = webSocket({
      url: `wss://127.0.0.1:${port}`,
      verify,
      headers: { origin: "https://evil.example" },
    });
    await expect(refused(recordAttempt())).rejects.toMatchObject({ code: "forbidden", kind: "fatal" });
    await listener.close();
  });

  it("by what speaks another subprotocol, or no HTTP, has met somebody else", async () => {
    using place = await httpServer(() => undefined);
    new WebSocketServer({ server: place.server, handleProtocols: () => false });
    await expect(dial(place.port)).rejects.toMatchObject({ code: "not_our_peer" });
    using garbage = await httpServer(() => undefined);
    garbage.server.on("connection", (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    await expect(dial(garbage.port)).rejects.toMatchObject({ code: "not_our_peer" });
  });

  it("is said before any dial for what can never be dialled", () => {
    for (const url of ["http://relay.example", "wss://", "relay.example", "ws://user:secret@relay.example"]) {
      expect(() => webSocket({ url, verify }), url).toThrow("bad_url");
      expect(() => webSocket({ url, verify }), url).not.toThrow("secret@");
    }
    expect(() => webSocket({ url: "wss://relay.example" })).toThrow("bad_config");
  });
});

interface Ends {
  readonly near: ByteLink;
  readonly far: AcceptedByteLink;
  readonly attempt: ReturnType<typeof recordAttempt>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function ends(scheme: "ws" | "wss"): Promise<Ends> {
  const accepted: AcceptedByteLink[] = [];
  const listener = await listenHoldfast({
    endpoint: { host: "127.0.0.1", port: 0 },
    tls: certificate,
    onLink: (link) => void accepted.push(link),
  });
  const { port } = listener.endpoint as { port: number };
  const attempt = recordAttempt();
  const near = await webSocket({ url: `${scheme}://127.0.0.1:${port}`, verify })(attempt);
  await until(() => accepted.length === 1);
  return {
    near,
    far: accepted[0] as AcceptedByteLink,
    attempt,
    async [Symbol.asyncDispose]() {
      near.close();
      accepted[0]?.close();
      await listener.close();
    },
  };
}

function collect(link: ByteLink): () => Buffer {
  const pieces: Buffer[] = [];
  link.read((piece) => pieces.push(Buffer.from(piece)) < 0);
  return () => Buffer.concat(pieces);
}

describe("a WebSocket as a link of bytes", () => {
  it.each(["ws", "wss"] as const)(
    "carries writes of every size over %s, corked or not, longer than a message",
    async (scheme) => {
      await using both = await ends(scheme);
      const { near, far } = both;
      const [there, back] = [noise(5_000_000), noise(3_000_000)];
      const [atFar, atNear] = [collect(far), collect(near)];
      for (const [link, bytes] of [
        [near, there],
        [far, back],
      ] as const) {
        let size = 1;
        for (let at = 0; at < 1_000_000; size = ((size * 5) % 70_001) + 1) {
          link.cork();
          for (let i = 0; i < 4 && at < 1_000_000; i++, at += size) {
            link.write(bytes.subarray(at, Math.min(at + size, 1_000_000)));
          }
          link.uncork();
        }
        link.write(bytes.subarray(1_000_000));
      }
      await until(() => atFar().length === there.length && atNear().length === back.length);
      expect([sha256(atFar()), sha256(atNear())]).toEqual([sha256(there), sha256(back)]);
      expect(near.queuedBytes).toBe(0);
    },
  );

  it("knows what TLS says at both ends, if there is TLS", async () => {
    await using secure = await ends("wss");
    expect(secure.near.trust).toMatchObject({ confidential: true, relayIdentity: "pin:x" });
    expect(secure.near.trust.exporter).toEqual(secure.far.trust.exporter);
    expect(secure.far.trust.exporter).toHaveLength(32);
    await using plain = await ends("ws");
    expect(plain.near.trust).toEqual({
      confidential: true,
      exporter: undefined,
      relayIdentity: "name:localhost",
    });
  });

  it("takes nothing from within the call that lets it go on, and keeps the order", async () => {
    await using both = await ends("ws");
    const { near, far } = both;
    const seen: string[] = [];
    far.read((piece) => {
      seen.push(String(piece));
      far.hold(true);
      return false;
    });
    const words = ["one", "two", "three", "four"];
    for (const word of words) near.write(Buffer.from(word));
    await until(() => seen.length === 1);
    for (let count = 1; count < words.length; count++) {
      far.hold(false);
      expect(seen).toHaveLength(count);
      await until(() => seen.length === count + 1);
    }
    expect(seen).toEqual(words);
  });

  it("ends in order with all that was written, and is lost once", async () => {
    await using both = await ends("ws");
    const atNear = collect(both.near);
    collect(both.far);
    const last = noise(2_000_000);
    both.far.write(last);
    both.far.end();
    await until(() => both.attempt.losses.length === 1);
    expect(both.attempt.losses).toEqual([undefined]);
    expect(sha256(atNear())).toBe(sha256(last));
  });

  it("is given up by who sends text", async () => {
    const ended = vi.fn();
    const listener = await listenHoldfast({
      endpoint: { host: "127.0.0.1", port: 0 },
      onLink(link) {
        link.onEnd(ended);
        link.read(() => expect.unreachable());
      },
    });
    const { port } = listener.endpoint as { port: number };
    const client = new WebSocket(`ws://127.0.0.1:${port}`, "holdfast.1");
    await once(client, "open");
    client.send("text");
    const [code] = (await once(client, "close")) as [number];
    expect(code).toBe(1003);
    await until(() => ended.mock.calls.length === 1);
    expect(ended.mock.calls[0]?.[0]).toMatchObject({ code: "not_our_peer" });
    await listener.close();
  });
});

it("a name that the relay does not know comes with what its operator can do", async () => {
  const listener = await listenHoldfast({
    endpoint: { host: "127.0.0.1", port: 0 },
    onLink: (link) => link.close(),
  });
  const { port } = listener.endpoint as { port: number };
  const options = { url: `ws://127.0.0.1:${port}`, headers: { host: "elsewhere.example" } };
  await expect(webSocket(options)(recordAttempt())).rejects.toMatchObject({
    code: "not_our_peer",
    hint: expect.stringContaining("--allow-host") as string,
  });
  await listener.close();
});

describe("the end of a WebSocket", () => {
  it.each([
    ["a reset", "resetAndDestroy", "connection_reset"],
    ["no goodbye", "destroy", "connection_reset"],
    ["a goodbye", "end", undefined],
  ] as const)("by the other end, with %s", async (_, how, code) => {
    const accepted: AcceptedByteLink[] = [];
    const sockets: Socket[] = [];
    const listener = await listenHoldfast({
      endpoint: { host: "127.0.0.1", port: 0 },
      onLink: (link) => void accepted.push(link),
    });
    const { port } = listener.endpoint as { port: number };
    const client = await webSocket({ url: `ws://127.0.0.1:${port}` })(recordAttempt());
    await until(() => accepted.length === 1);
    const causes: unknown[] = [];
    accepted[0]?.onEnd((cause) => void causes.push(cause));
    accepted[0]?.read(() => true);
    client.read(() => true);
    // Bytes that nobody has read yet make Node take a reset for an end.
    client.write(Buffer.alloc(100_000));
    const { webSocket: inside } = client as unknown as { webSocket: { _socket: Socket } };
    sockets.push(inside._socket);
    if (how === "end") client.end();
    else sockets[0]?.[how]();
    await until(() => causes.length === 1);
    expect((causes[0] as { code?: string } | undefined)?.code).toBe(code);
    accepted[0]?.close();
    client.close();
    await listener.close();
  });
});
