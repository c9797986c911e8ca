// The relay against those who wish it ill, and against a machine that has run out of things.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { authenticateByHand, openByHand, startRelay } from "./relay.ts";
import { echo, Peer, until } from "./sockets.ts";
import { openTunnel, proveEcho, publicPort } from "./tunnel.ts";

async function settled(socket: Socket): Promise<void> {
  socket.on("error", () => undefined);
  await until("the connection is made or refused", () => !socket.connecting || socket.destroyed);
}

describe("connections that say nothing", () => {
  test("of one address are cut off above 20, and harm no client that is there", async () => {
    const { port: relayPort, events } = await startRelay({ limits: { unauthenticatedPerAddress: 20 } });
    const target = await echo();
    const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
    const port = await publicPort(tunnel);
    const silent = await Promise.all(Array.from({ length: 60 }, () => Peer.connect(relayPort)));
    await until("40 are cut off", () => silent.filter(({ socket }) => socket.destroyed).length === 40);
    expect(events.filter((event) => event.type === "refused")).toHaveLength(40);
    // A visitor entitles its client to a connection all the same.
    await proveEcho(port);
    expect(silent.filter(({ socket }) => socket.destroyed)).toHaveLength(40);
  });

  test("are closed when their time is over, ten thousand of them too", async () => {
    const { port, relay } = await startRelay({
      limits: {
        handshakeMs: 1_500,
        handshakes: 20_000,
        unauthenticatedPerAddress: 20_000,
        connectionsPerAddress: 30_000,
      },
    });
    const { client } = await openByHand(port);
    const sockets: Socket[] = [];
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
    for (let batch = 0; batch < 20; batch += 1) {
      const some = Array.from({ length: 500 }, () => connect({ host: "127.0.0.1", port }));
      sockets.push(...some);
      await Promise.all(some.map(settled));
    }
    for (const socket of sockets) socket.resume();
    const heard = client.text.length;
    await until("all are closed", () => sockets.every(({ destroyed }) => destroyed));
    await until("the client that was there still hears heartbeats", () => client.text.length > heard);
    expect(relay.tunnels).toHaveLength(1);
    await openByHand(port);
  });

  test("or next to nothing, byte by byte, get no more time for it", async () => {
    const { port } = await startRelay({ secret: "secret", limits: { handshakeMs: 500 } });
    const client = await Peer.connect(port);
    const loris = setInterval(() => client.say(" "), 20);
    onTestFinished(() => clearInterval(loris));
    await client.closes();
    clearInterval(loris);
    expect(client.frames.at(-1)).toBe('{"Error":"timed out waiting for initial message"}');
  });
});

test("garbage of all sorts does not disturb a client that is there", async () => {
  const { port: relayPort } = await startRelay();
  const target = await echo();
  const { tunnel } = openTunnel({ relayPort, target: `127.0.0.1:${target.port}` });
  const port = await publicPort(tunnel);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 4 }),
      fc.boolean(),
      async (chunks, reset) => {
        const socket = connect({ host: "127.0.0.1", port: relayPort });
        await settled(socket);
        for (const chunk of chunks) socket.write(chunk);
        if (reset) socket.resetAndDestroy();
        else socket.end();
        socket.resume();
        await until("it is over", () => socket.destroyed);
      },
    ),
    { numRuns: 200 },
  );
  await proveEcho(port);
  expect(tunnel.line.status).toMatchObject({ state: "connected", epoch: 1 });
});

test("an address that guesses secrets is not heard any more", async () => {
  const { port, events } = await startRelay({ secret: "secret" });
  for (let guess = 0; guess < 10; guess += 1) {
    const client = await Peer.connect(port);
    client.say(`{"Authenticate":"${"0".repeat(64)}"}\0`);
    await client.closes();
    expect(client.text).toContain("invalid secret");
  }
  const eleventh = await Peer.connect(port);
  await until("it is cut off", () => eleventh.socket.destroyed);
  expect(eleventh.text).toBe("");
  expect(events.at(-1)).toMatchObject({ type: "refused", reason: "too_many_connections" });
});

describe("a herd", () => {
  test("that comes faster than the relay can serve is told when to come back, behind Hello only", async () => {
    const { port } = await startRelay({
      limits: { handshakesPerSecond: 20, queueMs: 200, tunnelsPerAddress: 1_000 },
    });
    const herd = await Promise.all(Array.from({ length: 15 }, () => Peer.connect(port)));
    for (const client of herd) client.say('{"Hello":0}\0');
    await Promise.all(herd.map((client) => client.hears("\0")));
    const hints = herd
      .map((client) => /^\{"Error":"busy, retry in (\d+\.\d) s"\}\0$/.exec(client.text)?.[1])
      .filter((hint) => hint !== undefined)
      .map(Number);
    expect(herd.filter((client) => client.text.startsWith('{"Hello":')).length + hints.length).toBe(15);
    expect(hints.length).toBeGreaterThanOrEqual(5);
    expect(new Set(hints).size).toBeGreaterThan(1);
    for (const hint of hints) expect(hint).toBeLessThanOrEqual(1.2);
  });

  test("that was sent away comes back in its slots", async () => {
    const { port: relayPort } = await startRelay({
      limits: { handshakesPerSecond: 40, queueMs: 100, tunnelsPerAddress: 1_000 },
    });
    const herd = Array.from({ length: 40 }, () => openTunnel({ relayPort, target: "1" }));
    await Promise.all(herd.map(({ tunnel }) => publicPort(tunnel)));
  });

  test("with a secret is told only after it has proved it", async () => {
    const { port } = await startRelay({ secret: "secret", limits: { handshakesPerSecond: 0.1, queueMs: 1 } });
    await openByHand(port, 0, "secret");
    const client = await Peer.connect(port);
    await client.hears("\0");
    expect(client.frames).toEqual([expect.stringContaining("Challenge")]);
    client.say('{"Hello":0}\0');
    await client.closes();
    expect(client.text).toContain("server requires secret");
    const late = await Peer.connect(port);
    await authenticateByHand(late, "secret", '{"Hello":0}\0');
    await late.closes();
    expect(late.frames.slice(1)).toEqual([expect.stringMatching(/^\{"Error":"busy, retry in \d+\.\d s"\}$/)]);
  });
});

test("more tunnels than an address may have are refused, and one that ends makes room", async () => {
  const { port } = await startRelay({ limits: { tunnelsPerAddress: 2 } });
  const first = await openByHand(port);
  await openByHand(port);
  const third = await Peer.connect(port);
  third.say('{"Hello":0}\0');
  await third.closes();
  expect(third.text).toBe('{"Error":"too many tunnels from this address"}\0');
  first.client.socket.end();
  await first.client.closes();
  await openByHand(port);
});

test("tunnels that were refused do not count", async () => {
  const { port } = await startRelay({ limits: { tunnelsPerAddress: 1 }, ports: [20_000, 29_999] });
  for (let nth = 0; nth < 3; nth += 1) {
    const client = await Peer.connect(port);
    client.say('{"Hello":80}\0');
    await client.closes();
    expect(client.text).toContain("not in allowed range");
  }
  await openByHand(port);
});

test("a relay without a secret lets nobody in from outside unless told to", async () => {
  await expect(startRelay({ bind: "0.0.0.0" })).rejects.toMatchObject({
    code: "anonymous_relay",
    kind: "fatal",
  });
  await expect(startRelay({ tunnelBind: "::" })).rejects.toMatchObject({ code: "anonymous_relay" });
  const { port } = await startRelay({ bind: "0.0.0.0", anonymous: true });
  await openByHand(port);
});

test.each([
  [[5, 4], /port range is empty/],
  [[0, 4], /ports must be/],
  [[1, 70_000], /ports must be/],
] as const)("ports %j are refused", async (ports, message) => {
  await expect(startRelay({ ports })).rejects.toThrow(message);
});

test("a closed relay leaves nothing behind", async () => {
  const { relay, port: relayPort } = await startRelay();
  const { client, port } = await openByHand(relayPort);
  const visitor = await Peer.connect(port);
  const silent = await Peer.connect(relayPort);
  await until("the visitor waits", () => relay.tunnels[0]?.pending === 1);
  await relay.close();
  await Promise.all([client.closes(), silent.closes(), visitor.isReset()]);
  for (const gone of [relayPort, port]) {
    const late = await Peer.connect(gone);
    await until("nobody listens", () => late.socket.destroyed);
    expect(late.error?.code).toBe("ECONNREFUSED");
  }
});

const HOLDER = `
const { connect } = require("node:net");
const port = Number(process.argv[1]);
for (let i = 0; i < 200; i += 1) connect(port, "127.0.0.1").on("error", () => {}).resume();
process.stdin.resume().on("end", () => process.exit());
`;

function canOpenFiles(): boolean {
  try {
    readdirSync("/proc/self/fd");
    return true;
  } catch {
    return false;
  }
}

const canLimit = process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;
if (!canLimit) process.stderr.write("skipped: running out of file descriptors needs Linux and prlimit\n");

test.skipIf(!canLimit)("running out of file descriptors ends no tunnel, and passes", async () => {
  const { port: relayPort } = await startRelay();
  const { client } = await openByHand(relayPort);
  const before = execFileSync("prlimit", [
    "--pid",
    String(process.pid),
    "--nofile",
    "--noheadings",
    "--raw",
    "--output",
    "SOFT,HARD",
  ]);
  const [soft = "", hard = ""] = before.toString().trim().split(" ");
  const limit = (files: number | string): void => {
    execFileSync("prlimit", ["--pid", String(process.pid), `--nofile=${files}:${hard}`]);
  };
  const holder = spawn(process.execPath, ["-e", HOLDER, String(relayPort)], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder, "spawn");
  try {
    const files = readdirSync("/proc/self/fd").length;
    limit(files + 20);
    await until("no file can be opened", () => !canOpenFiles());
    const heard = client.text.length;
    await until("the client still hears heartbeats", () => client.text.length > heard + 30);
  } finally {
    // Nothing can be started before the files are back.
    holder.stdin.end();
    await until("the files are back", () => {
      try {
        limit(soft);
        return true;
      } catch {
        return false;
      }
    });
  }
  const late = await openByHand(relayPort);
  expect(late.port).toBeGreaterThan(0);
  expect(client.socket.destroyed).toBe(false);
});
