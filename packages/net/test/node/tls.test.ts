import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "@holdfast/core";
import { recordAttempt } from "@holdfast/net/compliance";
import { listenHoldfast, tls, webSocket } from "@holdfast/net/node";
import type { TlsOptions, TlsPeer, VerifyPeer } from "@holdfast/net/node";
import { testCertificate } from "./certificates.ts";
import { serve, until } from "./sockets.ts";
import type { TestServer } from "./sockets.ts";

const authority = testCertificate("An Authority");
const certificate = testCertificate("localhost", authority);
const trusting: VerifyPeer = () => ({ relayIdentity: "name:localhost", verified: true });

async function relay(): Promise<{ port: number; [Symbol.asyncDispose](): Promise<void> }> {
  const links: { close(): void }[] = [];
  const listener = await listenHoldfast({
    endpoint: { host: "127.0.0.1", port: 0 },
    tls: certificate,
    onLink: (link) => void links.push(link),
  });
  return {
    port: (listener.endpoint as { port: number }).port,
    async [Symbol.asyncDispose]() {
      await listener.close();
      for (const link of links) link.close();
    },
  };
}

const dial = (port: number, options: Partial<TlsOptions> = {}): ReturnType<ReturnType<typeof tls>> =>
  tls({ host: "localhost", port, verify: trusting, ...options })(recordAttempt());

const portOf = (server: TestServer): number => (server.endpoint as { port: number }).port;

/** What a dial says of a server that answers so, whatever it is asked. */
async function met(answer: string | undefined): Promise<HoldfastError> {
  await using server = await serve();
  const dialling = dial(portOf(server)).then(
    () => expect.unreachable(),
    (error: unknown) => error as HoldfastError,
  );
  const visitor = await server.accept();
  visitor.resume();
  await once(visitor, "data");
  if (answer === undefined) visitor.destroy();
  else visitor.end(answer);
  return dialling;
}

describe("who is at the other end of TLS", () => {
  it("is decided by the caller, who is told what Node has found out", async () => {
    await using port = await relay();
    const seen: TlsPeer[] = [];
    const verify: VerifyPeer = (peer) => {
      seen.push(peer);
      return Promise.resolve({ relayIdentity: "pin:abc", verified: false });
    };
    const strange = await dial(port.port, { verify });
    expect(strange.trust).toMatchObject({ confidential: false, relayIdentity: "pin:abc" });
    expect(strange.trust.exporter).toHaveLength(32);
    const known = await dial(port.port, { verify, ca: authority.cert });
    const misnamed = await dial(port.port, { verify, ca: authority.cert, servername: "other.example" });
    expect(seen.map(({ authorized }) => authorized)).toEqual([false, true, false]);
    expect(seen.map(({ authorizationError }) => authorizationError !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
    expect(seen[0]).toMatchObject({ host: "localhost", port: port.port });
    expect(certificate.der.equals(seen[0]?.certificateDer ?? Buffer.alloc(0))).toBe(true);
    for (const link of [strange, known, misnamed]) link.close();
  });

  it("what the decision throws is what the dial rejects with", async () => {
    await using port = await relay();
    const changed = new HoldfastError({ code: "identity_changed", message: "another key", kind: "fatal" });
    const verify: VerifyPeer = () => Promise.reject(changed);
    await expect(dial(port.port, { verify })).rejects.toBe(changed);
    const url = `wss://localhost:${port.port}`;
    await expect(webSocket({ url, verify })(recordAttempt())).rejects.toBe(changed);
  });

  it("a dial that is cancelled while it is decided ends at once", async () => {
    await using port = await relay();
    const attempt = recordAttempt();
    const reason = new HoldfastError({ code: "stopped", message: "stopped" });
    const verify: VerifyPeer = () => {
      attempt.abort(reason);
      return new Promise(() => undefined);
    };
    await expect(tls({ host: "localhost", port: port.port, verify })(attempt)).rejects.toBe(reason);
  });
});

describe("a TLS handshake that fails", () => {
  it.each([
    ["a login page", "HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n"],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["zeros", "\0".repeat(100)],
  ])("because of %s has met somebody else", async (_, answer) => {
    expect(await met(answer)).toMatchObject({ code: "not_our_peer", kind: "fatal", fault: "peer" });
  });

  it("because of an end is tried again", async () => {
    expect(await met(undefined)).toMatchObject({
      code: "connection_reset",
      kind: "transient",
      fault: "peer",
    });
  });

  it.each([
    ["TLS 1.2", { maxVersion: "TLSv1.2" as const, ALPNProtocols: ["holdfast/1"] }],
    ["a web server", { ALPNProtocols: ["h2", "http/1.1"] }],
    ["a server without ALPN", {}],
  ])("because of %s has met somebody else", async (_, settings) => {
    const { key, cert } = certificate;
    const server = createTlsServer({ key, cert, ...settings }).on("tlsClientError", () => undefined);
    server.on("secureConnection", (socket) => socket.on("error", () => undefined));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await expect(dial(port, { host: "127.0.0.1" })).rejects.toMatchObject({ code: "not_our_peer" });
    server.close();
  });

  it("at the abort while the other end is silent, and leaves nothing", async () => {
    await using server = await serve();
    const attempt = recordAttempt();
    const reason = new HoldfastError({ code: "stopped", message: "stopped" });
    const dialling = tls({ host: "127.0.0.1", port: portOf(server), verify: trusting })(attempt);
    const visitor = await server.accept();
    attempt.abort(reason);
    await expect(dialling).rejects.toBe(reason);
    visitor.resume();
    await until(() => visitor.readableEnded || visitor.destroyed);
  });
});

describe("TLS through a proxy", () => {
  it("verifies the relay, not the proxy, and is as confidential as without", async () => {
    await using port = await relay();
    await using proxy = await serve();
    const url = new URL(`http://127.0.0.1:${portOf(proxy)}`);
    const dialling = dial(port.port, { proxy: url, ca: authority.cert });
    const asked = await proxy.accept();
    asked.resume();
    const [head] = (await once(asked, "data")) as [Buffer];
    asked.pause();
    expect(String(head)).toContain(`CONNECT localhost:${port.port} HTTP/1.1`);
    const behind = await serveThrough(port.port);
    asked.write("HTTP/1.1 200 OK\r\n\r\n");
    asked.pipe(behind).pipe(asked);
    const link = await dialling;
    expect(link.trust).toMatchObject({ confidential: true });
    link.close();
    behind.destroy();
    asked.destroy();
  });
});

async function serveThrough(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}
