// Native tunnels over real sockets: what a visitor sees, what relay and client say of it.
import { expect, test } from "vitest";
import { openNative, ownerKey, portOf, startNativeRelay, talk } from "./native-stage.ts";
import { echo, Peer, serve, until } from "./sockets.ts";

test("visitors reach the target, and both ends say so", async () => {
  const { port: relayPort, relay, events: relayEvents } = await startNativeRelay();
  const target = await echo();
  const { tunnel, events } = openNative({ relayPort, targetPort: target.port, ownerKey: ownerKey() });
  const port = await portOf(tunnel);
  const visitor = await talk(port);
  expect(tunnel.streams).toBe(1);
  expect(tunnel.targets).toMatchObject([
    {
      id: 1,
      label: `127.0.0.1:${target.port}`,
      phase: { type: "bound", port, generation: 1, leaseMs: 900_000 },
      publicEndpoint: { host: "127.0.0.1", port },
      streams: 1,
    },
  ]);
  expect(relay.status).toMatchObject({
    draining: false,
    tunnels: [{ port, remoteAddress: "127.0.0.1", visitors: 1, pending: 0, attached: true }],
    leases: [{ port, target: `127.0.0.1:${target.port}`, generation: 1, until: undefined }],
  });
  visitor.socket.end();
  await until("the visitor is done", () => events.some(({ type }) => type === "visitor_closed"));
  const length = "does it work?".length;
  expect(events).toEqual([
    { type: "port", targetId: 1, port, previous: undefined },
    { type: "visitor_opened", visitor: 1, targetId: 1 },
    { type: "visitor_closed", visitor: 1, targetId: 1, bytesIn: length, bytesOut: length, error: undefined },
  ]);
  expect(relayEvents).toEqual([{ type: "tunnel_opened", port, remoteAddress: "127.0.0.1" }]);
  await visitor.closes();
  expect(visitor.error).toBeUndefined();
});

test("whoever watches learns how many visitors there are, without being woken for each", async () => {
  const { port: relayPort } = await startNativeRelay();
  const target = await echo();
  const { tunnel } = openNative({ relayPort, targetPort: target.port });
  const port = await portOf(tunnel);
  const looks: number[] = [];
  void (async () => {
    for await (const [only] of tunnel.changes()) looks.push(only?.streams ?? -1);
  })();
  await until("the first look", () => looks.length > 0);
  const visitors = await Promise.all(Array.from({ length: 40 }, () => talk(port)));
  await until("all are seen", () => looks.at(-1) === 40);
  for (const { socket } of visitors) socket.end();
  await until("nobody is seen", () => looks.at(-1) === 0);
  // Eighty came and went. A machine that is slow takes longer for them, and then more is told.
  expect(looks.length).toBeLessThan(40);
  expect(tunnel.streams).toBe(0);
});

test("half-close goes through in both directions", async () => {
  const { port: relayPort } = await startNativeRelay();
  // Answers only when it has heard everything.
  const target = await serve((socket) => {
    let heard = "";
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    socket.on("end", () => socket.end(`heard ${heard}`));
  });
  const { tunnel } = openNative({ relayPort, targetPort: target.port });
  const visitor = await Peer.connect(await portOf(tunnel));
  visitor.socket.end("everything");
  await visitor.hears("heard everything");
  await visitor.closes();
  expect(visitor.error).toBeUndefined();
});

test("a target that is not there is a reset for the visitor, and said", async () => {
  const { port: relayPort } = await startNativeRelay();
  const target = await echo();
  await target.close();
  const { tunnel, events } = openNative({ relayPort, targetPort: target.port });
  const visitor = await Peer.connect(await portOf(tunnel));
  await visitor.isReset();
  await until("it is said", () => events.some(({ type }) => type === "visitor_failed"));
  expect(events.at(-1)).toMatchObject({ type: "visitor_failed", error: { code: "connection_refused" } });
});

test("several targets have ports of their own over one session", async () => {
  const { port: relayPort, relay } = await startNativeRelay();
  const targets = await Promise.all(
    ["one", "two", "three"].map((name) => serve((socket) => socket.end(name))),
  );
  const { tunnel } = openNative({
    relayPort,
    ownerKey: ownerKey(),
    targets: targets.map(({ port }) => ({ target: `127.0.0.1:${port}` })),
  });
  const ports = (await tunnel.ready()).map(({ publicEndpoint }) => publicEndpoint?.port ?? 0);
  expect(new Set(ports).size).toBe(3);
  for (const [index, name] of ["one", "two", "three"].entries()) {
    const visitor = await Peer.connect(ports[index] ?? 0);
    await visitor.hears(name);
  }
  expect(relay.status.tunnels).toHaveLength(3);
});

test("a client that is closed leaves nothing but its lease", async () => {
  const { port: relayPort, relay, events } = await startNativeRelay();
  const target = await echo();
  const key = ownerKey();
  const first = openNative({ relayPort, targetPort: target.port, ownerKey: key });
  const port = await portOf(first.tunnel);
  const visitor = await talk(port);
  await first.tunnel.close();
  await visitor.isReset();
  await until("the tunnel is gone", () => relay.status.tunnels.length === 0);
  expect(relay.status.leases).toMatchObject([{ port, until: expect.any(Number) as number }]);
  const refused = await Peer.connect(port);
  await until("nobody listens", () => refused.error?.code === "ECONNREFUSED");
  expect(events.at(-1)).toEqual({
    type: "tunnel_closed",
    port,
    remoteAddress: "127.0.0.1",
    reason: "client_left",
  });
  expect(await first.tunnel.ended).toMatchObject({ code: "closed" });
  // The same command again has the same port.
  const second = openNative({ relayPort, targetPort: target.port, ownerKey: key });
  expect(await portOf(second.tunnel)).toBe(port);
  expect(second.tunnel.targets[0]?.phase).toMatchObject({ generation: 2 });
});
