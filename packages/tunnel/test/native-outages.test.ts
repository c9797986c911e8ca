// Native tunnels while the network between client and relay misbehaves: what visitors notice of it, which is nothing
// but time, as long as the session lives.
import { createHash, randomBytes, type Hash } from "node:crypto";
import { startFaultyProxy, type Fault, type FaultyProxy } from "@holdfast/net/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import type { TunnelRelayOptions } from "../src/index.ts";
import {
  backAfter,
  openNative,
  ownerKey,
  portOf,
  startNativeRelay,
  talk,
  type NativeClient,
  type NativeRelay,
} from "./native-stage.ts";
import { echo, Peer, serve, until } from "./sockets.ts";

interface Setting extends NativeClient {
  readonly relay: NativeRelay["relay"];
  readonly proxy: FaultyProxy;
  /** The public port. */
  readonly port: number;
}

/** A tunnel through a proxy, up. */
async function start(targetPort: number, options: TunnelRelayOptions = {}): Promise<Setting> {
  const relay = await startNativeRelay({ heartbeatIntervalMs: 300, heartbeatTimeoutMs: 900, ...options });
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: relay.port } });
  onTestFinished(() => proxy.close());
  if ("path" in proxy.endpoint) throw new Error("a proxy of a port listens on a port");
  const client = openNative({
    relayPort: proxy.endpoint.port,
    targetPort,
    ownerKey: ownerKey(),
    heartbeat: { intervalMs: 300, timeoutMs: 900 },
    dialTimeoutMs: 2_000,
  });
  return { relay: relay.relay, ...client, proxy, port: await portOf(client.tunnel) };
}

/** Sends so many bytes, ends, and hashes what comes until the end. */
class Transfer {
  readonly sent: Hash = createHash("sha256");
  readonly heard: Hash = createHash("sha256");
  heardBytes = 0;
  readonly peer: Peer;

  constructor(peer: Peer, bytes: number) {
    this.peer = peer;
    // The peer itself would keep everything.
    peer.socket.removeAllListeners("data");
    peer.socket.on("data", (chunk: Buffer) => {
      this.heard.update(chunk);
      this.heardBytes += chunk.length;
    });
    void this.#send(bytes);
  }

  async #send(bytes: number): Promise<void> {
    const { socket } = this.peer;
    for (let left = bytes; left > 0 && !socket.destroyed;) {
      const chunk = randomBytes(Math.min(left, 64 * 1_024));
      this.sent.update(chunk);
      left -= chunk.length;
      await new Promise((resolve) => socket.write(chunk, resolve));
    }
    socket.end();
  }
}

describe("streams", () => {
  test("of several visitors lose no byte in a dozen cuts", { timeout: 60_000 }, async () => {
    const target = await echo();
    const { tunnel, proxy, port, events } = await start(target.port);
    const bytes = 4 * 1_024 * 1_024;
    const peers = await Promise.all(Array.from({ length: 4 }, () => Peer.connect(port)));
    const transfers = peers.map((peer) => new Transfer(peer, bytes));
    // Slow enough that there is something to cut.
    proxy.apply({ kind: "throttle", bytesPerSecond: 12 * 1_024 * 1_024 });
    let cuts = 0;
    for (; cuts < 12 && transfers.some(({ peer }) => !peer.ended); cuts += 1) {
      const { epoch } = tunnel.line.status;
      const before = transfers.reduce((sum, { heardBytes }) => sum + heardBytes, 0);
      await until("something moves", () => {
        const now = transfers.reduce((sum, { heardBytes }) => sum + heardBytes, 0);
        return now - before > 200_000 || transfers.every(({ peer }) => peer.ended);
      });
      proxy.cut();
      await backAfter(tunnel, epoch);
    }
    await proxy.heal();
    for (const transfer of transfers) {
      await until("everything came back", () => transfer.peer.ended, 40_000);
      expect(transfer.peer.error).toBeUndefined();
      expect(transfer.heardBytes).toBe(bytes);
      expect(transfer.heard.digest("hex")).toBe(transfer.sent.digest("hex"));
    }
    expect(cuts).toBeGreaterThan(5);
    expect(events.filter(({ type }) => type === "session_lost")).toEqual([]);
    expect(events.filter(({ type }) => type === "resumed").length).toBeGreaterThan(5);
    expect(events.filter(({ type }) => type === "port")).toHaveLength(1);
  });

  const FAULTS: [string, Fault][] = [
    ["reset", { kind: "reset" }],
    ["ended", { kind: "end" }],
    ["half-open", { kind: "half_open" }],
    ["in a black hole", { kind: "black_hole" }],
    ["deaf upwards", { kind: "half_open", direction: "up" }],
    ["silent downwards", { kind: "black_hole", direction: "down" }],
  ];

  test.each(FAULTS)("go on when the link is %s", { timeout: 30_000 }, async (_, fault) => {
    const target = await echo();
    const { tunnel, proxy, port, events } = await start(target.port);
    const visitor = await talk(port, "before ");
    const { epoch } = tunnel.line.status;
    for (const connection of proxy.connections) connection.apply(fault);
    visitor.say("during ");
    await backAfter(tunnel, epoch);
    await visitor.hears("before during ");
    visitor.say("after");
    await visitor.hears("before during after");
    await until("the resume is told", () => events.some(({ type }) => type === "resumed"));
    expect(events.find(({ type }) => type === "resumed")).toEqual({ type: "resumed", streams: 1 });
    expect(tunnel.afterOutage).toEqual({ streamsResumed: 1, streamsLost: 0 });
    expect(visitor.error).toBeUndefined();
  });

  test("are reset on both sides, and not ended, when the session is lost beyond its lease", async () => {
    const sockets: Peer[] = [];
    const target = await serve((socket) => {
      sockets.push(new Peer(socket));
      socket.write("hello");
    });
    const { proxy, port, events, relay, tunnel } = await start(target.port, { limits: { leaseMs: 300 } });
    const visitor = await Peer.connect(port);
    await visitor.hears("hello");
    await proxy.refuse();
    proxy.cut();
    await visitor.isReset();
    await until("the relay has forgotten the lease", () => relay.status.leases.length === 0);
    await proxy.heal();
    await until("the loss is told", () => events.some(({ type }) => type === "session_lost"));
    await sockets[0]?.isReset();
    expect(events.find(({ type }) => type === "session_lost")).toMatchObject({ streams: 1 });
    expect(tunnel.afterOutage).toEqual({ streamsResumed: 0, streamsLost: 1 });
    // And it is exposed again.
    await (await Peer.connect(await portOf(tunnel))).hears("hello");
  });
});

describe("visitors that come while the client is away", () => {
  async function away(options: TunnelRelayOptions = {}, targetPort?: number): Promise<Setting> {
    const setting = await start(targetPort ?? (await echo()).port, options);
    await setting.proxy.refuse();
    setting.proxy.cut();
    await until("the relay knows", () => setting.relay.status.tunnels[0]?.attached === false);
    return setting;
  }

  test("are parked, and served when it is back", async () => {
    const { port, proxy, relay, events } = await away();
    const visitors = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const visitor = await Peer.connect(port);
        visitor.say(`number ${index}`);
        return visitor;
      }),
    );
    await until("all are parked", () => relay.status.tunnels[0]?.pending === 10);
    await proxy.heal();
    for (const [index, visitor] of visitors.entries()) await visitor.hears(`number ${index}`);
    expect(relay.status.tunnels[0]).toMatchObject({ pending: 0, visitors: 10 });
    const told = events.map(({ type }) => type as string);
    expect(told).not.toContain("visitor_failed");
  });

  test("are reset when there are too many, or when they have waited for too long", async () => {
    const { port, relay } = await away({ limits: { parkedPerTarget: 2, parkedMs: 1_000 } });
    const visitors = await Promise.all([Peer.connect(port), Peer.connect(port)]);
    await until("two are parked", () => relay.status.tunnels[0]?.pending === 2);
    const third = await Peer.connect(port);
    await third.isReset();
    for (const visitor of visitors) await visitor.isReset();
    expect(relay.status.tunnels[0]?.pending).toBe(0);
  });

  test("are reset, and nobody listens any more, when the lease is over", async () => {
    const { port, relay } = await away({ limits: { leaseMs: 500 } });
    const visitor = await Peer.connect(port);
    await visitor.isReset();
    await until("the lease is over", () => relay.status.leases.length === 0);
    const late = await Peer.connect(port);
    await until("nobody listens", () => late.error?.code === "ECONNREFUSED");
  });
});

test("the visitor above the limit of streams waits for its turn", async () => {
  const target = await serve((socket) => socket.write("welcome"));
  const { port, relay } = await start(target.port, { limits: { streamsPerSession: 2 } });
  const first = await Peer.connect(port);
  const second = await Peer.connect(port);
  await first.hears("welcome");
  await second.hears("welcome");
  const third = await Peer.connect(port);
  await until("the third is parked", () => relay.status.tunnels[0]?.pending === 1);
  expect(third.text).toBe("");
  first.socket.resetAndDestroy();
  await third.hears("welcome");
});
