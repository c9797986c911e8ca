// The end of a client and of a relay: nobody new, those who are here finish, everything is told.
import { startFaultyProxy } from "@holdfast/net/testing";
import { expect, onTestFinished, test } from "vitest";
import { openNative, ownerKey, portOf, relayPort, startNativeRelay, talk } from "./native-stage.ts";
import { echo, Peer, serve, until } from "./sockets.ts";

test("a client that drains gives its port up at once, and its visitors finish", async () => {
  const { port: relayPort, relay } = await startNativeRelay();
  const target = await echo();
  const { tunnel, events } = openNative({ relayPort, targetPort: target.port, ownerKey: ownerKey() });
  const port = await portOf(tunnel);
  const visitor = await talk(port);
  const drained = tunnel.drain();
  await until("the port is closed", () => relay.status.tunnels.length === 0);
  const late = await Peer.connect(port);
  await until("nobody listens", () => late.error?.code === "ECONNREFUSED");
  visitor.say("last words");
  await visitor.hears("last words");
  visitor.socket.end();
  await visitor.closes();
  await drained;
  expect(visitor.error).toBeUndefined();
  expect(await tunnel.ended).toMatchObject({ code: "closed" });
  expect(events.at(-1)).toMatchObject({ type: "visitor_closed", error: undefined });
  expect(tunnel.targets[0]?.phase.type).toBe("released");
});

test("one of two targets can be released: its visitors finish, and the other goes on", async () => {
  const { port: relayPort, relay } = await startNativeRelay();
  const target = await echo();
  const targets = [
    { target: `127.0.0.1:${target.port}` },
    { target: `127.0.0.1:${target.port}`, label: "b" },
  ];
  const { tunnel } = openNative({ relayPort, targets, ownerKey: ownerKey() });
  const ports = [await portOf(tunnel, 1), await portOf(tunnel, 2)] as const;
  const [first, slow, other] = [await talk(ports[0]), await talk(ports[0]), await talk(ports[1])];
  const released = tunnel.release(1, 1_000);
  await until("the port is closed", () => relay.status.tunnels.length === 1);
  expect(tunnel.targets.map(({ phase }) => phase.type)).toEqual(["released", "bound"]);
  first.say("last words");
  await first.hears("last words");
  first.socket.end();
  await first.closes();
  expect(first.error).toBeUndefined();
  await released;
  await slow.isReset();
  other.say("still here");
  await other.hears("still here");
  await talk(ports[1]);
  expect(tunnel.line.status.state).toBe("connected");
  await tunnel.release(1);
  await tunnel.release(7);
  expect(tunnel.line.status.state).toBe("connected");
  await tunnel.release(2, 100);
  expect(await tunnel.ended).toMatchObject({ code: "closed" });
});

test("visitors that do not finish in time are reset when a client drains", async () => {
  const { port: relayPort } = await startNativeRelay();
  const target = await echo();
  const { tunnel } = openNative({ relayPort, targetPort: target.port });
  const visitor = await talk(await portOf(tunnel));
  await tunnel.drain(200);
  await visitor.isReset();
});

test("a relay that drains lets visitors finish, and its clients go on with the next one", async () => {
  const before = await startNativeRelay({ port: await relayPort() });
  const proxy = await startFaultyProxy({ target: { host: "127.0.0.1", port: before.port } });
  onTestFinished(() => proxy.close());
  if ("path" in proxy.endpoint) throw new Error("a proxy of a port listens on a port");
  const target = await echo();
  const client = openNative({
    relayPort: proxy.endpoint.port,
    targetPort: target.port,
    ownerKey: ownerKey(),
  });
  const port = await portOf(client.tunnel);
  const visitor = await talk(port);
  const drained = before.relay.drain();
  await until("it says so", () => before.relay.status.draining);
  const late = await Peer.connect(port);
  await until("nobody listens", () => late.error?.code === "ECONNREFUSED");
  visitor.say("last words");
  await visitor.hears("last words");
  visitor.socket.end();
  await visitor.closes();
  expect(visitor.error).toBeUndefined();
  await drained;
  const reasons = before.events.flatMap((event) => (event.type === "tunnel_closed" ? [event.reason] : []));
  expect(reasons).toEqual(["session_lost"]);
  await startNativeRelay({ port: before.port });
  await until("the client is back", () => client.tunnel.targets[0]?.phase.type === "bound", 30_000);
  expect(await portOf(client.tunnel)).toBe(port);
  await talk(port);
});

test("what does not finish in time is reset when a relay drains", async () => {
  const { port: relayPort, relay } = await startNativeRelay();
  const target = await serve((socket) => void socket.write("hello"));
  const { tunnel } = openNative({ relayPort, targetPort: target.port });
  const visitor = await Peer.connect(await portOf(tunnel));
  await visitor.hears("hello");
  await relay.drain(200);
  await visitor.isReset();
});

test("a relay that is closed ends its status, and leaves no listener", async () => {
  const { port: relayPort, relay } = await startNativeRelay();
  const target = await echo();
  const { tunnel } = openNative({ relayPort, targetPort: target.port });
  const port = await portOf(tunnel);
  const seen: number[] = [];
  const followed = (async () => {
    for await (const { tunnels } of relay.changes()) seen.push(tunnels.length);
  })();
  await relay.close();
  await followed;
  expect(seen.length).toBeGreaterThan(0);
  for (const closed of [port, relayPort]) {
    const late = await Peer.connect(closed);
    await until("nobody listens", () => late.error?.code === "ECONNREFUSED");
  }
});
