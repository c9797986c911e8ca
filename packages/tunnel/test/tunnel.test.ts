// The client and the relay together: what visitors get, and what survives what.
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { portOf, startRelay } from "./relay.ts";
import { echo, freePort, Peer, serve, until } from "./sockets.ts";
import { backAfter, openTunnel, proveEcho, publicPort } from "./tunnel.ts";

describe("a tunnel", () => {
  test.each([
    ["without a secret", undefined],
    ["with a secret", "secret"],
    ["with an empty secret", ""],
  ])("%s carries visitors to its target", async (_, secret) => {
    const { port: relayPort, relay } = await startRelay({ secret });
    const target = await echo();
    const { tunnel, events } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}`, secret });
    const port = await publicPort(tunnel);
    expect(tunnel.publicEndpoint).toEqual({ host: "127.0.0.1", port });
    expect(events).toEqual([{ type: "port", port, previous: undefined }]);
    await proveEcho(port);
    expect(relay.tunnels).toMatchObject([{ port, visitors: 1, pending: 0, remoteAddress: "127.0.0.1" }]);
    expect(tunnel.streams).toBe(1);
  });

  test("the port that is asked for is given", async () => {
    const { port: relayPort } = await startRelay();
    const port = await freePort();
    const { tunnel } = openTunnel({ relayPort, target: "1", port });
    expect(await publicPort(tunnel)).toBe(port);
  });

  test("the target may be a unix socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "app.sock");
    const server = createServer((socket) => void socket.pipe(socket)).listen(path);
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port: relayPort } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: path });
    const visitor = await proveEcho(await publicPort(tunnel));
    visitor.socket.destroy();
  });

  test("megabytes arrive as they were sent, both ways at once, on eight streams", async () => {
    const { port: relayPort } = await startRelay({ secret: "secret" });
    const target = await echo();
    const { tunnel } = openTunnel({
      relayPort,
      target: { host: "127.0.0.1", port: target.port },
      secret: "secret",
    });
    const port = await publicPort(tunnel);
    const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const bytes = randomBytes(2_000_000);
        const visitor = await Peer.connect(port);
        visitor.socket.end(bytes);
        await visitor.closes();
        expect(sha(visitor.bytes)).toBe(sha(bytes));
      }),
    );
    await until("all streams are done", () => tunnel.streams === 0);
  });

  test("each direction ends by itself", async () => {
    const target = await serve((socket) => {
      socket.resume().on("end", () => socket.end("answer after the question"));
    });
    const { port: relayPort } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const visitor = await Peer.connect(await publicPort(tunnel));
    visitor.socket.end("question");
    await visitor.closes();
    expect(visitor.text).toBe("answer after the question");
  });

  test("bytes that a visitor sends before the target answers the phone are not lost", async () => {
    const { port: relayPort } = await startRelay();
    const target = await serve((socket) => {
      // The target is slow to read.
      socket.pause();
      setTimeout(() => socket.pipe(socket), 100);
    });
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const bytes = randomBytes(1_000_000);
    const visitor = await Peer.connect(await publicPort(tunnel));
    visitor.socket.end(bytes);
    await visitor.closes();
    expect(visitor.bytes.equals(bytes)).toBe(true);
  });

  test("a target that refuses resets the visitor, and the tunnel stays", async () => {
    const { port: relayPort } = await startRelay();
    const targetPort = await freePort();
    const { tunnel, events } = openTunnel({ relayPort, target: `127.0.0.1:${targetPort}` });
    const port = await publicPort(tunnel);
    const visitor = await Peer.connect(port);
    await visitor.isReset();
    await until("the failure is told", () => events.some(({ type }) => type === "visitor_failed"));
    expect(events.find(({ type }) => type === "visitor_failed")).toMatchObject({
      error: { code: "connection_refused" },
    });
    expect(tunnel.line.status).toMatchObject({ state: "connected", epoch: 1 });
    await serve((socket) => void socket.pipe(socket), targetPort);
    await proveEcho(port);
  });

  test("a target that breaks off resets the visitor", async () => {
    const target = await serve((socket) => {
      socket.write("half an ans");
      socket.once("data", () => socket.resetAndDestroy());
    });
    const { port: relayPort } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const visitor = await Peer.connect(await publicPort(tunnel));
    await visitor.hears("half an ans");
    visitor.say("go on");
    await visitor.isReset();
  });

  test("more visitors than there may be wait for their turn", async () => {
    const target = await echo();
    const { port: relayPort } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}`, maxStreams: 2 });
    const port = await publicPort(tunnel);
    const first = await proveEcho(port);
    await proveEcho(port);
    const third = await Peer.connect(port);
    third.say("me too");
    const fourth = await Peer.connect(port);
    fourth.say("and me");
    expect(tunnel.streams).toBe(2);
    expect(third.text).toBe("");
    first.socket.destroy();
    await third.hears("me too");
    expect(fourth.text).toBe("");
    third.socket.destroy();
    await fourth.hears("and me");
  });

  test("two hundred visitors at once are all served", async () => {
    const target = await echo();
    const { port: relayPort } = await startRelay({
      limits: { unauthenticatedPerAddress: 20, connectionsPerAddress: 100 },
    });
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const port = await publicPort(tunnel);
    await Promise.all(Array.from({ length: 200 }, (_, index) => proveEcho(port, `visitor ${index}`)));
  });
});

describe("no delay", () => {
  test("is set on all four sockets", async () => {
    const setNoDelay = vi.spyOn(Socket.prototype, "setNoDelay");
    onTestFinished(() => setNoDelay.mockRestore());
    const target = await echo();
    const { port: relayPort } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const port = await publicPort(tunnel);
    setNoDelay.mockClear();
    await proveEcho(port);
    // Two that this end opened: to the relay and to the target. Accepted ones get it from the listener.
    expect(setNoDelay.mock.calls).toEqual([[true], [true]]);
  });

  test("split small writes do not stall", async () => {
    const target = await echo();
    const { port: relayPort } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const visitor = await proveEcho(await publicPort(tunnel), "first");
    visitor.socket.setNoDelay(true);
    const times: number[] = [];
    for (let round = 0; round < 21; round += 1) {
      const began = performance.now();
      const heard = visitor.bytes.length;
      visitor.say("a".repeat(100));
      await new Promise((resolve) => setTimeout(resolve, 2));
      visitor.say("b".repeat(100));
      while (visitor.bytes.length < heard + 200) await new Promise((resolve) => setImmediate(resolve));
      times.push(performance.now() - began);
    }
    // Nagle and delayed acknowledgements together cost 40 ms in each of them.
    expect(times.sort((a, b) => a - b)[10]).toBeLessThan(35);
  });
});

describe("ends", () => {
  test("closing frees the port and resets the visitors at once", async () => {
    const target = await echo();
    const { port: relayPort, relay } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const visitor = await proveEcho(await publicPort(tunnel));
    await tunnel.close();
    await visitor.isReset();
    await until("the relay has no tunnel", () => relay.tunnels.length === 0);
    expect(tunnel.streams).toBe(0);
    expect(tunnel.line.status).toMatchObject({ state: "disconnected", reason: { code: "closed" } });
  });

  test("draining the client lets visitors finish, and new ones are refused", async () => {
    const target = await echo();
    const { port: relayPort, relay } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const port = await publicPort(tunnel);
    const visitor = await proveEcho(port);
    const drained = tunnel.drain(20_000);
    await until("the relay has no tunnel", () => relay.tunnels.length === 0);
    const late = await Peer.connect(port);
    await until("the late one is refused", () => late.socket.destroyed);
    visitor.socket.end(" the last words");
    await visitor.closes();
    expect(visitor.text).toBe("does it work? the last words");
    await drained;
  });

  test("draining the client resets who is not done in time", async () => {
    const target = await echo();
    const { port: relayPort } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const visitor = await proveEcho(await publicPort(tunnel));
    await tunnel.drain(50);
    await visitor.isReset();
    expect(tunnel.streams).toBe(0);
  });

  test("draining the relay lets visitors finish, refuses new ones, and ends the tunnels last", async () => {
    const target = await echo();
    const { port: relayPort, relay } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const port = await publicPort(tunnel);
    const visitor = await proveEcho(port);
    const drained = relay.drain(20_000);
    const late = await Peer.connect(port);
    await until("the late one is refused", () => late.socket.destroyed);
    const newcomer = await Peer.connect(relayPort);
    newcomer.say('{"Hello":0}\0');
    await newcomer.closes();
    expect(newcomer.text).toMatch(/^\{"Error":"busy, retry in \d+\.\d s"\}\0$/);
    expect(tunnel.line.status).toMatchObject({ state: "connected", epoch: 1 });
    visitor.socket.end(" the last words");
    await visitor.closes();
    expect(visitor.text).toBe("does it work? the last words");
    await drained;
    await until("the client notices", () => tunnel.line.status.state === "reconnecting");
  });

  test("draining the relay resets who is not done in time", async () => {
    const target = await echo();
    const { port: relayPort, relay } = await startRelay();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const visitor = await proveEcho(await publicPort(tunnel));
    await relay.drain(50);
    await visitor.isReset();
    await until("the client notices", () => tunnel.line.status.state === "reconnecting");
  });

  test("the relay's changes tell of tunnels and visitors, and end with it", async () => {
    const { port: relayPort, relay } = await startRelay();
    const target = await echo();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { draining, tunnels } of relay.changes()) {
        seen.push(`${draining ? "draining " : ""}${tunnels.map(({ visitors }) => visitors).join()}`);
      }
    })();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const visitor = await proveEcho(await publicPort(tunnel));
    await until("a visitor was seen", () => seen.includes("1"));
    visitor.socket.destroy();
    await until("its end was seen", () => seen.at(-1) === "0");
    await relay.close();
    await watching;
    expect(seen[0]).toBe("");
    expect(seen.at(-1)).toBe("");
  });
});

describe("the port is kept", () => {
  test("over a restart of the relay, whether it was asked for or given", async () => {
    const first = await startRelay();
    const target = await echo();
    const options = { relayPort: first.port, target: `127.0.0.1:${target.port}` };
    const given = openTunnel(options);
    const givenPort = await publicPort(given.tunnel);
    const fixed = openTunnel({ ...options, port: await freePort() });
    const fixedPort = await publicPort(fixed.tunnel);
    await first.relay.close();
    await until("both notice", () => {
      return [given, fixed].every(({ tunnel }) => tunnel.line.status.state === "reconnecting");
    });
    expect(given.tunnel.publicEndpoint?.port).toBe(givenPort);
    await startRelay({ port: first.port });
    await backAfter(given.tunnel, 1);
    await backAfter(fixed.tunnel, 1);
    expect(given.tunnel.publicEndpoint?.port).toBe(givenPort);
    expect(fixed.tunnel.publicEndpoint?.port).toBe(fixedPort);
    await proveEcho(givenPort);
    await proveEcho(fixedPort);
    expect(given.events.filter(({ type }) => type === "port")).toHaveLength(1);
  });

  test("unless the relay that comes back gives out others", async () => {
    const first = await startRelay({ ports: [20_000, 29_999] });
    const { tunnel, events } = openTunnel({ relayPort: first.port, target: "1" });
    const before = await publicPort(tunnel);
    await first.relay.close();
    await startRelay({ port: first.port, ports: [30_000, 39_999] });
    await backAfter(tunnel, 1);
    const after = tunnel.publicEndpoint?.port ?? 0;
    expect(after).toBeGreaterThanOrEqual(30_000);
    expect(events.filter(({ type }) => type === "port")).toEqual([
      { type: "port", port: before, previous: undefined },
      { type: "port", port: after, previous: before },
    ]);
  });

  test("and one listener alone cannot be had twice", async () => {
    const { relay } = await startRelay();
    await expect(startRelay({ port: portOf(relay) })).rejects.toMatchObject({ code: "address_in_use" });
  });
});
