// The client and the relay with a network between them that misbehaves.
import { startFaultyProxy, type Fault, type FaultyProxy } from "@holdfast/net/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { HastyClock } from "./hasty-clock.ts";
import { startRelay, type TestRelay } from "./relay.ts";
import { echo, Peer, serve, until } from "./sockets.ts";
import { backAfter, openTunnel, proveEcho, publicPort, type TestTunnel } from "./tunnel.ts";

// Probes of the relay take a tenth of their time here.
const HASTE = 10;

interface Setting extends TestTunnel {
  readonly proxy: FaultyProxy;
  readonly relay: TestRelay;
  readonly port: number;
}

async function proxyTo(port: number): Promise<{ proxy: FaultyProxy; port: number }> {
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port } });
  onTestFinished(() => proxy.close());
  if ("path" in proxy.endpoint) throw new Error("a proxy of a port listens on a port");
  return { proxy, port: proxy.endpoint.port };
}

/** A tunnel through the proxy, up, and with an echo behind it. */
async function start(secret?: string): Promise<Setting> {
  const relay = await startRelay({ secret, clock: new HastyClock(HASTE) });
  const { proxy, port: relayPort } = await proxyTo(relay.port);
  const target = await echo();
  const opened = openTunnel({
    relayPort,
    target: `127.0.0.1:${target.port}`,
    secret,
    heartbeat: { timeoutMs: 1_000 },
    backoff: { maxMs: 500 },
    dialTimeoutMs: 2_000,
  });
  return { ...opened, proxy, relay, port: await publicPort(opened.tunnel) };
}

const CUTS: [string, Fault][] = [
  ["reset", { kind: "reset" }],
  ["ended", { kind: "end" }],
  ["half-open", { kind: "half_open" }],
  ["in a black hole", { kind: "black_hole" }],
  ["deaf upwards", { kind: "half_open", direction: "up" }],
  ["silent downwards", { kind: "black_hole", direction: "down" }],
];

describe("a control connection that is", () => {
  test.each(CUTS)("%s comes back with the same port, and streams never notice", async (_, fault) => {
    const { tunnel, proxy, port } = await start();
    const visitor = await proveEcho(port, "before ");
    const chatter = setInterval(() => visitor.say("."), 20);
    onTestFinished(() => clearInterval(chatter));
    const control = proxy.connections[0];
    if (fault.kind === "half_open" && fault.direction === "up") {
      // The relay hears nothing, which is what it always hears; only the end would not get through.
      control?.apply(fault);
      control?.apply({ kind: "black_hole", direction: "down" });
    } else {
      control?.apply(fault);
    }
    await backAfter(tunnel, 1);
    expect(tunnel.publicEndpoint?.port).toBe(port);
    visitor.say("after");
    await visitor.hears("after");
    expect(visitor.text).toMatch(/^before \.+after\.*$/);
    await proveEcho(port);
  });
});

test("everything black for a while: the tunnel comes back with its port", async () => {
  const { tunnel, proxy, port, events } = await start("secret");
  const visitor = await proveEcho(port);
  proxy.blackhole();
  await until("the client notices", () => tunnel.line.status.state === "reconnecting");
  await proxy.heal();
  await backAfter(tunnel, 1);
  expect(tunnel.publicEndpoint?.port).toBe(port);
  visitor.socket.destroy();
  await proveEcho(port);
  expect(events.filter(({ type }) => type === "port")).toHaveLength(1);
});

test("a relay that cannot be reached for a while is dialled until it can", async () => {
  const { tunnel, proxy, port } = await start();
  await proxy.refuse();
  proxy.cut();
  await until("two dials failed", () => tunnel.line.status.failures >= 2);
  await proxy.heal();
  await backAfter(tunnel, 1);
  await proveEcho(port);
});

test("a change of addresses ends a link whose address is gone, at once", async () => {
  const { port: relayPort } = await startRelay({ clock: new HastyClock(HASTE) });
  const target = await echo();
  let wake: (addresses: readonly string[]) => void = () => undefined;
  const { tunnel } = openTunnel({
    relayPort,
    target: `127.0.0.1:${target.port}`,
    wakes: [
      (onWake) => {
        wake = (addresses) => onWake("network", addresses);
        return () => undefined;
      },
    ],
  });
  const port = await publicPort(tunnel);
  const visitor = await proveEcho(port);
  wake(["192.0.2.7"]);
  await backAfter(tunnel, 1);
  expect(tunnel.publicEndpoint?.port).toBe(port);
  visitor.say(" on and on");
  await visitor.hears("on and on");
});

test("silence of a relay is noticed after eight seconds, by default", async () => {
  const clock = new HastyClock(HASTE);
  let lastBeat = 0;
  const relay = await serve((socket) => {
    socket.once("data", () => {
      lastBeat = clock.mono();
      socket.write('{"Hello":9114}\0"Heartbeat"\0');
    });
  });
  const { tunnel } = openTunnel({ relayPort: relay.port, target: "1", clock });
  await publicPort(tunnel);
  const heard = lastBeat;
  await until("it is noticed", () => tunnel.line.status.state === "reconnecting");
  const noticed = clock.mono() - heard;
  expect(noticed).toBeGreaterThanOrEqual(8_000);
  expect(noticed).toBeLessThan(8_000 + 6_000);
});

describe("a handshake that breaks", () => {
  const loud: Fault[] = [{ kind: "reset" }, { kind: "end" }];
  const silent: Fault[] = [{ kind: "half_open" }, { kind: "black_hole" }];
  const phases = [
    ...loud.flatMap((fault) =>
      [0, 1, 5, 40, 83, 84, 90, 95].map((bytes) => [fault.kind, bytes, fault] as const),
    ),
    ...silent.flatMap((fault) => [1, 84, 95].map((bytes) => [fault.kind, bytes, fault] as const)),
  ];

  test.each(phases)("by %s after %i bytes, up or down, is only an attempt", async (_, bytes, fault) => {
    const relay = await startRelay({ secret: "secret", clock: new HastyClock(HASTE) });
    const { proxy, port: relayPort } = await proxyTo(relay.port);
    proxy.plan({ fault, connection: 1, after: { direction: "up", bytes } });
    proxy.plan({ fault, connection: 2, after: { direction: "down", bytes } });
    const { tunnel } = openTunnel({
      relayPort,
      target: "1",
      secret: "secret",
      backoff: { maxMs: 100 },
      dialTimeoutMs: 400,
      heartbeat: { timeoutMs: 400 },
    });
    await until("it is up for good", () => {
      return tunnel.line.status.state === "connected" && proxy.acceptedCount >= 3;
    });
    await until("the relay has that tunnel alone, or knows that the others are gone", () => {
      return relay.relay.tunnels.some(({ port }) => port === tunnel.publicEndpoint?.port);
    });
  });
});

describe("a visitor's connection that breaks", () => {
  const faults: Fault[] = [{ kind: "reset" }, { kind: "refuse" }];

  test.each(faults.map((fault) => [fault.kind, fault] as const))(
    "by %s resets that visitor alone",
    async (_, fault) => {
      const { tunnel, proxy, port } = await start("secret");
      const other = await proveEcho(port);
      const next = proxy.acceptedCount + 1;
      proxy.plan(
        { fault, connection: next, after: { direction: "up", bytes: 84 + 50 } },
        { fault, connection: next + 1, after: { direction: "down", bytes: 53 + 4 } },
      );
      for (let nth = 0; nth < 2; nth += 1) {
        const visitor = await Peer.connect(port);
        visitor.say("x".repeat(1_000));
        await visitor.isReset();
      }
      await proveEcho(port);
      other.say(" still here");
      await other.hears("still here");
      expect(tunnel.line.status).toMatchObject({ state: "connected", epoch: 1 });
    },
  );

  test("before the relay knows what it wanted leaves the visitor to its time-out", async () => {
    const { proxy, port, events } = await start();
    proxy.plan({ fault: { kind: "reset" }, connection: proxy.acceptedCount + 1 });
    const visitor = await Peer.connect(port);
    await visitor.isReset();
    await until("it is told", () =>
      events.some(({ type }) => type === "visitor_closed" || type === "visitor_failed"),
    );
    await proveEcho(port);
  });

  test("by an end passes the end on, and no reset", async () => {
    const { proxy, port } = await start();
    const visitor = await proveEcho(port);
    proxy.connections.at(-1)?.apply({ kind: "end" });
    await visitor.closes();
    expect(visitor.ended).toBe(true);
  });
});
