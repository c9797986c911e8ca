// The unmodified bore 0.6.0, in both roles: its client with our relay, and our client with its server.
import { createHash, randomBytes, randomInt } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  startBoreRelay,
  type BoreRelay,
  type BoreRelayOptions,
  type RelayEvent,
} from "../../packages/tunnel/src/index.ts";
import { HastyClock } from "../../packages/tunnel/test/hasty-clock.ts";
import { echo, freePort, Peer, serve, until } from "../../packages/tunnel/test/sockets.ts";
import { backAfter, openTunnel as openTunnelTo, proveEcho } from "../../packages/tunnel/test/tunnel.ts";
import { findPeer, PeerProcess } from "./peer.ts";

const bore = findPeer("bore-cli");
const program = bore ?? "";

/** The real client knows one port only, so each test has an address of its own where the machine has many. */
function ownAddress(): string {
  return process.platform === "linux"
    ? `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
    : "127.0.0.1";
}

/** A port that is free at this address, outside the range that is given to connections. */
function somePort(): number {
  return randomInt(20_000, 30_000);
}

async function sendsAndHears(host: string, port: number, bytes: Buffer): Promise<void> {
  const visitor = await Peer.connect(port, host);
  visitor.socket.end(bytes);
  await visitor.closes();
  const sha = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
  expect(sha(visitor.bytes)).toBe(sha(bytes));
}

/** A target that answers only when the question is complete. */
function answersAtTheEnd(): ReturnType<typeof serve> {
  return serve((socket) => {
    let length = 0;
    socket.on("data", (chunk: Buffer) => (length += chunk.length));
    socket.on("end", () => socket.end(`${length} bytes`));
  });
}

describe.skipIf(bore === undefined)("the real client and our relay", () => {
  interface Setting {
    readonly relay: BoreRelay;
    readonly host: string;
    readonly events: RelayEvent[];
  }

  async function startRelay(options: BoreRelayOptions = {}): Promise<Setting> {
    const host = options.bind ?? ownAddress();
    const events: RelayEvent[] = [];
    const relay = await startBoreRelay({ bind: host, onEvent: (event) => events.push(event), ...options });
    onTestFinished(() => relay.close());
    return { relay, host, events };
  }

  function local(host: string, target: number, ...args: string[]): PeerProcess {
    return new PeerProcess(program, [
      "local",
      String(target),
      "--local-host",
      "127.0.0.1",
      "--to",
      host,
      ...args,
    ]);
  }

  async function portOf(client: PeerProcess, host: string): Promise<number> {
    return Number(await client.prints(new RegExp(`listening at ${host.replaceAll(".", "\\.")}:(\\d+)`)));
  }

  test.each([
    ["without a secret", undefined],
    ["with a secret", "sësame"],
    ["with an empty secret", ""],
  ])("%s: big, many and half-closed streams", async (_, secret) => {
    const { host } = await startRelay({ secret });
    const target = await echo();
    const client = local(host, target.port, ...(secret === undefined ? [] : [`--secret=${secret}`]));
    const port = await portOf(client, host);
    await sendsAndHears(host, port, randomBytes(10_000_000));
    await Promise.all(Array.from({ length: 60 }, () => sendsAndHears(host, port, randomBytes(30_000))));
    const half = await answersAtTheEnd();
    const other = local(host, half.port, ...(secret === undefined ? [] : [`--secret=${secret}`]));
    const visitor = await Peer.connect(await portOf(other, host), host);
    visitor.socket.end("x".repeat(100_000));
    await visitor.closes();
    expect(visitor.text).toBe("100000 bytes");
  });

  test("a fixed port is given, and a taken one refused while its holder answers", async () => {
    const { host, relay } = await startRelay();
    const target = await echo();
    const port = somePort();
    const holder = local(host, target.port, "--port", String(port));
    expect(await portOf(holder, host)).toBe(port);
    for (let nth = 0; nth < 3; nth += 1) {
      const newcomer = local(host, target.port, "--port", String(port));
      expect(await newcomer.exits()).toBe(1);
      expect(newcomer.output).toContain("server error: port already in use");
    }
    await sendsAndHears(host, port, randomBytes(1_000));
    expect(relay.tunnels).toHaveLength(1);
    expect(holder.exited).toBeUndefined();
  });

  test("a holder that is stopped loses its port to the second newcomer", async () => {
    const { host } = await startRelay({ clock: new HastyClock(4) });
    const target = await echo();
    const port = somePort();
    const holder = local(host, target.port, "--port", String(port));
    await portOf(holder, host);
    holder.signal("SIGSTOP");
    const first = local(host, target.port, "--port", String(port));
    expect(await first.exits()).toBe(1);
    let winner: PeerProcess | undefined;
    await until("a newcomer has the port", () => {
      if (winner === undefined || winner.exited !== undefined)
        winner = local(host, target.port, "--port", String(port));
      return winner.output.includes("listening at");
    });
    await sendsAndHears(host, port, randomBytes(1_000));
    holder.signal("SIGCONT");
    await holder.exits();
  });

  test.each(["SIGKILL", "SIGTERM"] as const)(
    "a client that gets %s frees its port at once",
    async (signal) => {
      const { host, relay, events } = await startRelay();
      const target = await echo();
      const port = somePort();
      const first = local(host, target.port, "--port", String(port));
      await portOf(first, host);
      const visitor = await Peer.connect(port, host);
      visitor.say("in the middle");
      await visitor.hears("in the middle");
      first.signal(signal);
      await until("the relay has no tunnel", () => relay.tunnels.length === 0);
      await visitor.closes();
      expect(events.map(({ type }) => type)).toContain("tunnel_closed");
      const second = local(host, target.port, "--port", String(port));
      expect(await portOf(second, host)).toBe(port);
    },
  );

  test.each([
    ["a wrong secret", { secret: "right" }, ["--secret=wrong"], "server error: invalid secret"],
    [
      "no secret",
      { secret: "right" },
      [],
      "server requires authentication, but no client secret was provided",
    ],
    [
      "a port out of range",
      { ports: [30_000, 30_010] as const },
      ["--port=80"],
      "server error: client port number not in allowed range",
    ],
  ])("%s ends it with the text that it knows", async (_, options, args, text) => {
    const { host } = await startRelay(options);
    const client = local(host, 1, ...args);
    expect(await client.exits()).toBe(1);
    expect(client.output).toContain(text);
  });

  test("a busy relay is told as an error, with and without a secret", async () => {
    for (const secret of [undefined, "secret"]) {
      const { host } = await startRelay({ secret, limits: { handshakesPerSecond: 0.05, queueMs: 1 } });
      const args = secret === undefined ? [] : [`--secret=${secret}`];
      await portOf(local(host, 1, ...args), host);
      const late = local(host, 1, ...args);
      expect(await late.exits()).toBe(1);
      expect(late.output).toMatch(/server error: busy, retry in \d+\.\d s/);
    }
  });

  test("a target that is away costs the visitor, not the tunnel", async () => {
    const { host, relay } = await startRelay();
    const client = local(host, await freePort());
    const port = await portOf(client, host);
    const visitor = await Peer.connect(port, host);
    await visitor.closes();
    expect(relay.tunnels).toHaveLength(1);
  });

  test("a relay that drains lets its visitors finish and its clients go", async () => {
    const { host, relay } = await startRelay();
    const target = await echo();
    const client = local(host, target.port);
    const port = await portOf(client, host);
    const visitor = await Peer.connect(port, host);
    visitor.say("first");
    await visitor.hears("first");
    const drained = relay.drain(20_000);
    visitor.socket.end(" and last");
    await visitor.closes();
    expect(visitor.text).toBe("first and last");
    await drained;
    expect(await client.exits()).toBe(0);
  });
});

describe.skipIf(bore === undefined)("our client and the real server", () => {
  function server(host: string, ...args: string[]): PeerProcess {
    return new PeerProcess(program, ["server", "--bind-addr", host, ...args]);
  }

  async function startServer(host: string, ...args: string[]): Promise<PeerProcess> {
    const started = server(host, ...args);
    await started.prints("server listening");
    return started;
  }

  function openTunnel(
    host: string,
    options: Partial<Parameters<typeof openTunnelTo>[0]> = {},
  ): ReturnType<typeof openTunnelTo> {
    return openTunnelTo({
      relayHost: host,
      relayPort: 7_835,
      target: "127.0.0.1:1",
      heartbeat: { timeoutMs: 2_000 },
      backoff: { maxMs: 1_000 },
      ...options,
    });
  }

  test.each([
    ["without a secret", undefined],
    ["with a secret", "sësame"],
    ["with an empty secret", ""],
  ])("%s: big, many and half-closed streams", async (_, secret) => {
    const host = ownAddress();
    const args = secret === undefined ? [] : [`--secret=${secret}`];
    await startServer(host, ...args);
    const target = await echo();
    const { tunnel } = openTunnel(host, { target: `127.0.0.1:${target.port}`, secret });
    const { port } = await tunnel.line.ready();
    await sendsAndHears(host, port, randomBytes(10_000_000));
    await Promise.all(Array.from({ length: 60 }, () => sendsAndHears(host, port, randomBytes(30_000))));
    const half = await answersAtTheEnd();
    const other = openTunnel(host, { target: `127.0.0.1:${half.port}`, secret });
    const visitor = await Peer.connect((await other.tunnel.line.ready()).port, host);
    visitor.socket.end("x".repeat(100_000));
    await visitor.closes();
    expect(visitor.text).toBe("100000 bytes");
  });

  test("killed at every phase, it is waited for, and the port is the same again", async () => {
    const host = ownAddress();
    const target = await echo();
    const { tunnel } = openTunnel(host, { target: `127.0.0.1:${target.port}` });
    await until("a dial failed", () => tunnel.line.status.failures > 0);
    let running = await startServer(host);
    const { port } = await tunnel.line.ready();
    const phases: (() => Promise<unknown>)[] = [
      // As soon as the client is back.
      () => Promise.resolve(),
      // With a visitor in the middle of something.
      () => proveEcho(port, "in the middle", host),
      // In the middle of a lot.
      async () => {
        const visitor = await Peer.connect(port, host);
        visitor.say("x".repeat(50_000_000));
        await until("some came", () => visitor.bytes.length > 1_000_000);
      },
    ];
    for (const [index, phase] of phases.entries()) {
      await phase();
      const { epoch } = tunnel.line.status;
      await running.kill();
      running = await startServer(host);
      await backAfter(tunnel, epoch);
      expect(tunnel.publicEndpoint?.port, `phase ${index}`).toBe(port);
      await sendsAndHears(host, port, randomBytes(100_000));
    }
    // Before anything is said: the server is gone as soon as it listens.
    const { epoch } = tunnel.line.status;
    await running.kill();
    for (let nth = 0; nth < 3; nth += 1) await (await startServer(host)).kill();
    await startServer(host);
    await backAfter(tunnel, epoch);
    await sendsAndHears(host, port, randomBytes(1_000));
  });

  test("a server that is stopped is noticed, and found again when it goes on", async () => {
    const host = ownAddress();
    const target = await echo();
    const running = await startServer(host);
    const { tunnel } = openTunnel(host, { target: `127.0.0.1:${target.port}`, dialTimeoutMs: 1_000 });
    const { port } = await tunnel.line.ready();
    running.signal("SIGSTOP");
    await until("it is noticed", () => tunnel.line.status.state === "reconnecting");
    running.signal("SIGCONT");
    await backAfter(tunnel, 1);
    // The server may hold the port for its dead link until a heartbeat fails; the client asks until it is free.
    expect(tunnel.publicEndpoint?.port).toBe(port);
    await proveEcho(port, "again", host);
  });

  test.each([
    ["a wrong secret", ["--secret=right"], { secret: "wrong" }, "bad_secret"],
    ["no secret", ["--secret=right"], {}, "secret_required"],
    ["a secret where none is wanted", [], { secret: "secret" }, "no_challenge"],
    ["a port out of range", ["--min-port=30000"], { port: 1_024 }, "port_not_allowed"],
  ])("%s is fatal", async (_, args, options, code) => {
    const host = ownAddress();
    await startServer(host, ...args);
    const { tunnel } = openTunnel(host, options);
    expect(await tunnel.line.closed).toMatchObject({ code: "failed", error: { code, kind: "fatal" } });
  });

  test("a port in use is asked for until it is free", async () => {
    const host = ownAddress();
    await startServer(host);
    const target = await echo();
    const port = somePort();
    const holder = openTunnel(host, { port });
    await holder.tunnel.line.ready();
    const { tunnel } = openTunnel(host, { port, target: `127.0.0.1:${target.port}` });
    await until("it is refused", () => tunnel.line.status.failure?.code === "port_in_use");
    await holder.tunnel.close();
    await tunnel.line.ready();
    await proveEcho(port, "mine now", host);
  });

  test("a target that is away costs the visitor, not the tunnel", async () => {
    const host = ownAddress();
    await startServer(host);
    const { tunnel } = openTunnel(host, { target: `127.0.0.1:${await freePort()}` });
    const { port } = await tunnel.line.ready();
    const visitor = await Peer.connect(port, host);
    await until("the visitor is let go", () => visitor.ended || visitor.socket.destroyed);
    expect(tunnel.line.status).toMatchObject({ state: "connected", epoch: 1 });
  });
});
