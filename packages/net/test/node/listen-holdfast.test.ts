import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import WebSocket from "ws";
import type { AcceptedByteLink } from "@holdfast/net";
import { listenHoldfast, openSocket } from "@holdfast/net/node";
import type { Arrival, HoldfastListener, HoldfastListenOptions } from "@holdfast/net/node";
import { testCertificate } from "./certificates.ts";
import { ManualClock } from "./manual-clock.ts";
import { exchange, request, sayIn } from "./raw-client.ts";
import { temporaryFolder, until } from "./sockets.ts";

const certificate = testCertificate();

interface Port extends HoldfastListener {
  readonly links: { readonly link: AcceptedByteLink; readonly how: Arrival; readonly got: () => string }[];
  readonly port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

async function open(options: Partial<HoldfastListenOptions> = {}): Promise<Port> {
  const links: Port["links"] = [];
  const listener = await listenHoldfast({
    endpoint: { host: "127.0.0.1", port: 0 },
    tls: certificate,
    onLink(link, how) {
      const pieces: Buffer[] = [];
      link.read((piece) => pieces.push(Buffer.from(piece)) > 0);
      links.push({ link, how, got: () => Buffer.concat(pieces).toString("latin1") });
    },
    ...options,
  });
  return {
    ...listener,
    links,
    port: (listener.endpoint as { port: number }).port,
    async [Symbol.asyncDispose]() {
      await listener.close();
      for (const { link } of links) link.close();
    },
  };
}

async function said(port: Port, words: string): Promise<Socket> {
  const socket = await openSocket(port.endpoint);
  await new Promise((taken) => socket.write(words, taken));
  return socket;
}

const upgradeLines = (port: number, ...more: string[]): string[] => [
  "GET / HTTP/1.1",
  `Host: 127.0.0.1:${port}`,
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: holdfast.1",
  ...more,
];

describe("Holdfast's port, by the first byte", () => {
  it.each([1, 2, 3, 7, 100, 5_000])("takes a plain session in pieces of %s bytes", async (pieceBytes) => {
    await using port = await open();
    const hello = `\x01${"hello".repeat(50)}`;
    const socket = await openSocket(port.endpoint);
    await sayIn(socket, Buffer.from(hello, "latin1"), pieceBytes);
    await until(() => port.links[0]?.got() === hello);
    expect(port.links[0]?.how).toBe("plain");
    expect(port.links[0]?.link.trust).toMatchObject({ confidential: true, exporter: undefined });
    socket.destroy();
  });

  it("takes a plain session that begins with RESUME, and its answer goes back", async () => {
    await using port = await open();
    const socket = await openSocket(port.endpoint);
    socket.write("\x03resume");
    await until(() => port.links.length === 1);
    port.links[0]?.link.write(Buffer.from("granted"));
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(String(answer)).toBe("granted");
    socket.destroy();
  });

  it.each([1, 3, 50, 5_000])("takes TLS in pieces of %s bytes", async (pieceBytes) => {
    await using port = await open();
    const raw = connect(port.port, "127.0.0.1");
    await once(raw, "connect");
    // TLS into a pipe whose pieces are cut anew.
    const { near, far } = await cutPipe(raw, pieceBytes);
    const socket = connectTls({
      socket: near,
      ALPNProtocols: ["holdfast/1"],
      ca: certificate.cert,
      servername: "localhost",
    });
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe("holdfast/1");
    socket.write("first words");
    await until(() => port.links[0]?.got() === "first words");
    const accepted = port.links[0];
    expect(accepted?.how).toBe("tls");
    expect(accepted?.link.trust.relayIdentity).toBe("name:localhost");
    expect(accepted?.link.remoteAddress).toBe("127.0.0.1");
    const exporter = socket.exportKeyingMaterial(32, "EXPORTER-Holdfast-session", Buffer.alloc(0));
    expect(exporter.equals(accepted?.link.trust.exporter ?? Buffer.alloc(0))).toBe(true);
    socket.destroy();
    far.destroy();
    raw.destroy();
  });

  it.each([1, 10, 5_000])(
    "takes an upgrade in pieces of %s bytes, and what comes behind it",
    async (pieceBytes) => {
      await using port = await open();
      const socket = connect(port.port, "127.0.0.1");
      const frame = Buffer.from([0x82, 0x83, 0, 0, 0, 0, 0x61, 0x62, 0x63]);
      await once(socket, "connect");
      const head = Buffer.from(request(upgradeLines(port.port)));
      await sayIn(socket, Buffer.concat([head, frame]), pieceBytes);
      await until(() => port.links[0]?.got() === "abc");
      expect(port.links[0]?.how).toBe("ws");
      expect(port.links[0]?.link.trust.relayIdentity).toBe("name:127.0.0.1");
      socket.destroy();
    },
  );

  it("takes a WebSocket inside TLS", async () => {
    await using port = await open();
    const client = new WebSocket(`wss://localhost:${port.port}/any/path`, "holdfast.1", {
      ca: certificate.cert,
    });
    await once(client, "open");
    expect(client.protocol).toBe("holdfast.1");
    client.send(Buffer.from("hello"));
    await until(() => port.links[0]?.got() === "hello");
    expect(port.links[0]?.how).toBe("wss");
    expect(port.links[0]?.link.trust.exporter).toHaveLength(32);
    client.terminate();
  });

  it.each(["\x00", "\x02", "SSH-2.0-x", "\xff", '{"Hello":0}'])("closes on %j", async (said) => {
    await using port = await open();
    expect(await exchange(port.endpoint, Buffer.from(said, "latin1"))).toBe("");
    expect(port.links).toHaveLength(0);
  });

  it("takes neither plain sessions nor plain requests where they are not allowed", async () => {
    await using port = await open({ allowPlain: false });
    expect(await exchange(port.endpoint, "\x01hello")).toBe("");
    expect(await exchange(port.endpoint, request(upgradeLines(port.port)))).toBe("");
    expect(port.links).toHaveLength(0);
  });

  it("takes no TLS without a certificate, and serves a unix socket plain", async () => {
    await using folder = await temporaryFolder();
    await using port = await open({ endpoint: { path: `${folder.path}/relay` }, tls: undefined });
    const socket = await openSocket(port.endpoint);
    socket.write("\x01hello");
    await until(() => port.links[0]?.got() === "\x01hello");
    expect(port.links[0]?.link.remoteAddress).toBe("unix");
    const other = await openSocket(port.endpoint);
    other.resume().write("\x16\x03\x01");
    await once(other, "end");
    other.destroy();
    socket.destroy();
  });

  it("is not started where nobody could use it, nor with a certificate that is none", async () => {
    const listening = (options: Partial<HoldfastListenOptions>): Promise<unknown> => open(options);
    const everywhere = { host: "0.0.0.0", port: 0 };
    await expect(listening({ endpoint: everywhere, tls: undefined })).rejects.toMatchObject({
      code: "bad_config",
      kind: "fatal",
    });
    await expect(listening({ tls: { key: "no", cert: "none" } })).rejects.toMatchObject({
      code: "bad_certificate",
    });
    await expect(
      listening({ tls: { key: testCertificate().key, cert: certificate.cert } }),
    ).rejects.toMatchObject({ code: "bad_certificate" });
  });
});

describe("pages elsewhere", () => {
  const status = async (port: Port, lines: string[], body = ""): Promise<string> =>
    (await exchange(port.endpoint, request(lines, body))).split("\r\n")[0] ?? "";

  it("may not upgrade: a hostile Origin is refused", async () => {
    await using port = await open();
    for (const origin of [
      "https://evil.example",
      "null",
      `http://127.0.0.1:${port.port + 1}`,
      "http://127.0.0.1",
    ]) {
      expect(await status(port, upgradeLines(port.port, `Origin: ${origin}`))).toBe("HTTP/1.1 403 Forbidden");
    }
    expect(port.links).toHaveLength(0);
  });

  it("may, if it is our own page, or was allowed", async () => {
    await using port = await open({ allowedOrigins: ["https://app.example"] });
    for (const origin of [`http://127.0.0.1:${port.port}`, "https://app.example"]) {
      const client = new WebSocket(`ws://127.0.0.1:${port.port}`, "holdfast.1", { headers: { origin } });
      await once(client, "open");
      client.terminate();
    }
  });

  it("may not reach us by a name of their own", async () => {
    await using port = await open({ allowedHosts: ["relay.example", "*.tunnels.example"] });
    const as = (host: string): Promise<string> =>
      status(
        port,
        upgradeLines(port.port).map((line) => (line.startsWith("Host:") ? `Host: ${host}` : line)),
      );
    for (const host of [
      "evil.example",
      "relay.example.evil.example",
      "tunnels.example",
      "x@relay.example",
      "127.0.0.2",
    ]) {
      expect(await as(host), host).toBe("HTTP/1.1 421 Misdirected Request");
    }
    expect(port.links).toHaveLength(0);
    for (const host of [
      "RELAY.example",
      `relay.example:${port.port}`,
      "a.b.tunnels.example",
      "[::1]:7836",
      "localhost.",
    ]) {
      const client = new WebSocket(`ws://127.0.0.1:${port.port}`, "holdfast.1", { headers: { host } });
      await once(client, "open");
      client.terminate();
    }
  });

  it("may not send forms, nor bodies without an end", async () => {
    let requests = 0;
    await using port = await open({
      onRequest(_, response) {
        requests += 1;
        response.end("ok");
      },
      limits: { bodyBytes: 100 },
    });
    const post = (...more: string[]): string[] => [
      "POST /tunnels HTTP/1.1",
      `Host: localhost:${port.port}`,
      ...more,
    ];
    const form = "Content-Type: application/x-www-form-urlencoded";
    const cases: [string[], string][] = [
      [post(form, "Content-Length: 3"), "HTTP/1.1 415 Unsupported Media Type"],
      [post(form, "Content-Length: 3", "Origin: https://evil.example"), "HTTP/1.1 403 Forbidden"],
      [post("Content-Type: text/plain", "Content-Length: 3"), "HTTP/1.1 415 Unsupported Media Type"],
      [post("Content-Length: 3"), "HTTP/1.1 415 Unsupported Media Type"],
      [post("Content-Type: application/json", "Transfer-Encoding: chunked"), "HTTP/1.1 411 Length Required"],
      [post("Content-Type: application/json", "Content-Length: 101"), "HTTP/1.1 413 Payload Too Large"],
    ];
    for (const [lines, wanted] of cases) expect(await status(port, lines, "a=1"), String(lines)).toBe(wanted);
    expect(requests).toBe(0);
    const good = post(
      "Content-Type: application/json; charset=utf-8",
      "Content-Length: 2",
      "Connection: close",
    );
    expect(await status(port, good, "{}")).toBe("HTTP/1.1 200 OK");
    expect(requests).toBe(1);
  });

  it("get a refusal if there is nothing for them", async () => {
    await using port = await open();
    expect(await status(port, ["GET / HTTP/1.1", `Host: localhost:${port.port}`])).toBe(
      "HTTP/1.1 404 Not Found",
    );
    const other = upgradeLines(port.port).map((line) => line.replace("holdfast.1", "chat"));
    expect(await status(port, other)).toBe("HTTP/1.1 400 Bad Request");
    expect(await status(port, ["GET / HTTP/1.1"])).toBe("HTTP/1.1 400 Bad Request");
  });

  it("other upgrades are handed over after the same checks", async () => {
    const seen: string[] = [];
    await using port = await open({
      onUpgrade(incoming, socket) {
        seen.push(String(incoming.headers["sec-websocket-protocol"]));
        socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        socket.destroySoon();
      },
    });
    const other = upgradeLines(port.port).map((line) => line.replace("holdfast.1", "moq-lite-05"));
    expect(await status(port, [...other, "Origin: https://evil.example"])).toBe("HTTP/1.1 403 Forbidden");
    expect(await status(port, other)).toBe("HTTP/1.1 101 Switching Protocols");
    expect(seen).toEqual(["moq-lite-05"]);
  });
});

describe("those that do not say what they are", () => {
  it("are cut off after the time for it, whatever they have begun", async () => {
    const clock = new ManualClock();
    await using port = await open({ clock });
    const silent = await openSocket(port.endpoint);
    const [half, shaking, session] = [
      await said(port, "GET / HTTP/1.1\r\nHost: local"),
      await said(port, "\x16\x03"),
      await said(port, "\x01"),
    ];
    await until(() => port.links.length === 1);
    const slow = [silent, half, shaking];
    for (const socket of slow) socket.resume();
    clock.advance(9_999);
    // Had they been cut, that would be known by the time that this has come.
    session.write("2");
    await until(() => port.links[0]?.got() === "\x012");
    expect(slow.map(({ readableEnded }) => readableEnded)).toEqual([false, false, false]);
    clock.advance(1);
    await until(() => slow.every(({ readableEnded, destroyed }) => readableEnded || destroyed));
    session.write("3");
    await until(() => port.links[0]?.got() === "\x0123");
    for (const socket of [...slow, session]) socket.destroy();
  });

  it("have as much time again for the body of a request, and its answer as much as it takes", async () => {
    const clock = new ManualClock();
    const bodies: string[] = [];
    const answers: (() => void)[] = [];
    await using port = await open({
      clock,
      onRequest(request, response) {
        request.setEncoding("utf8").on("data", (text: string) => bodies.push(text));
        answers.push(() => response.end("done"));
      },
    });
    const lines = [
      "POST / HTTP/1.1",
      "Host: localhost",
      "Content-Type: application/json",
      "Content-Length: 4",
    ];
    const slow = await said(port, request(lines, "[1"));
    const whole = await said(port, request(lines, "[12]"));
    await until(() => bodies.join("").length === 6);
    clock.advance(9_999);
    expect(slow.destroyed || whole.destroyed).toBe(false);
    const heard: string[] = [];
    whole.on("data", (bytes: Buffer) => heard.push(bytes.toString()));
    const cut = once(slow, "end");
    slow.on("error", () => undefined).resume();
    clock.advance(1);
    await cut;
    clock.advance(60_000);
    for (const answer of answers) answer();
    await until(() => heard.join("").includes("done"));
    slow.destroy();
    whole.destroy();
  });

  it("have 4 KiB for the head of a request", async () => {
    await using port = await open();
    const lines = upgradeLines(port.port, `X-Padding: ${"x".repeat(4_096)}`);
    expect(await exchange(port.endpoint, request(lines))).toMatch(/^HTTP\/1.1 431 /);
    expect(port.links).toHaveLength(0);
  });

  it("are bounded in number, and admitted one by one", async () => {
    let released = 0;
    let asked = 0;
    await using port = await open({
      limits: { unidentified: 2 },
      admit(address) {
        expect(address).toBe("127.0.0.1");
        return ++asked === 4 ? undefined : () => void (released += 1);
      },
    });
    const [one, two] = [await openSocket(port.endpoint), await openSocket(port.endpoint)];
    await until(() => asked === 2);
    expect(await exchange(port.endpoint, "\x01third")).toBe("");
    expect(asked).toBe(2);
    one.write("\x01hello");
    await until(() => port.links.length === 1);
    expect(released).toBe(1);
    two.destroy();
    await until(() => released === 2);
    const client = new WebSocket(`wss://localhost:${port.port}`, "holdfast.1", { ca: certificate.cert });
    await once(client, "open");
    await until(() => port.links.length === 2);
    expect(released).toBe(3);
    expect(await exchange(port.endpoint, "\x01unwanted")).toBe("");
    expect(asked).toBe(4);
    client.terminate();
    one.destroy();
  });

  it("go when the listener does; links stay", async () => {
    const port = await open();
    const silent = await openSocket(port.endpoint);
    const session = await openSocket(port.endpoint);
    session.write("\x01");
    await until(() => port.links.length === 1);
    await port.close();
    await once(silent.resume(), "end");
    silent.destroy();
    session.write("still here");
    await until(() => port.links[0]?.got() === "\x01still here");
    port.links[0]?.link.close();
    session.destroy();
  });
});

describe("another certificate", () => {
  it("is used for those who come later, and drops nobody", async () => {
    await using port = await open();
    const dial = async (): Promise<{
      fingerprint: Buffer | undefined;
      socket: ReturnType<typeof connectTls>;
    }> => {
      const socket = connectTls({
        port: port.port,
        ALPNProtocols: ["holdfast/1"],
        rejectUnauthorized: false,
      });
      await once(socket, "secureConnect");
      return { fingerprint: socket.getPeerX509Certificate()?.raw, socket };
    };
    const before = await dial();
    expect(before.fingerprint?.equals(certificate.der)).toBe(true);
    const next = testCertificate();
    expect(() => port.setIdentity({ key: certificate.key, cert: next.cert })).toThrow("bad_certificate");
    const same = await dial();
    expect(same.fingerprint?.equals(certificate.der)).toBe(true);
    port.setIdentity(next);
    const after = await dial();
    expect(after.fingerprint?.equals(next.der)).toBe(true);
    before.socket.write("still here");
    await until(() => port.links.some(({ got }) => got() === "still here"));
    for (const { socket } of [before, same, after]) socket.destroy();
  });
});

/** A socket whose bytes go to another one in pieces of the size, each seen by itself. */
async function cutPipe(
  raw: Socket,
  pieceBytes: number,
): Promise<{
  near: Socket;
  far: Socket;
}> {
  const { createServer } = await import("node:net");
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [far] = (await once(server, "connection")) as [Socket];
  server.close();
  raw.setNoDelay(true);
  let sending = Promise.resolve();
  far.on("data", (chunk: Buffer) => {
    sending = sending.then(() => sayIn(raw, chunk, pieceBytes));
  });
  raw.on("data", (chunk: Buffer) => far.write(chunk));
  for (const socket of [raw, far]) socket.on("error", () => undefined);
  return { near, far };
}
