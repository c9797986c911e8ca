// Two clients and one port: who has it keeps it as long as it is there, and not a moment longer.
import { describe, expect, test } from "vitest";
import { openByHand, startRelay, visitorsOf } from "./relay.ts";
import { echo, Peer, until } from "./sockets.ts";
import { backAfter, openTunnel, proveEcho, publicPort } from "./tunnel.ts";

const IN_USE = '{"Error":"port already in use"}\0';

async function ask(relay: number, port: number): Promise<Peer> {
  const newcomer = await Peer.connect(relay);
  newcomer.say(`{"Hello":${port}}\0`);
  await newcomer.hears("\0");
  return newcomer;
}

describe("a port and its holder", () => {
  test("an end, a reset and an end behind a restart free the port at once", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    client.socket.end();
    const second = await until("freed", () => client.ended).then(() => openByHand(relay, port));
    expect(second.port).toBe(port);
    second.client.socket.resetAndDestroy();
    let third: Peer | undefined;
    for (let tries = 0; tries < 20 && third?.text.startsWith('{"Hello"') !== true; tries += 1) {
      third = await ask(relay, port);
    }
    expect(third?.text).toContain(`{"Hello":${port}}`);
  });

  test("a holder that answers is never displaced, however many want its port", async () => {
    const { port: relay, relay: handle } = await startRelay();
    const target = await echo();
    const { tunnel } = openTunnel({ relayPort: relay, target: `127.0.0.1:${target.port}` });
    const port = await publicPort(tunnel);
    const newcomers = await Promise.all(Array.from({ length: 30 }, () => ask(relay, port)));
    for (const newcomer of newcomers) expect(newcomer.text).toBe(IN_USE);
    expect((await ask(relay, port)).text).toBe(IN_USE);
    expect(tunnel.line.status).toMatchObject({ state: "connected", epoch: 1 });
    expect(handle.tunnels).toHaveLength(1);
    await proveEcho(port);
  });

  test("a holder that took a visitor a moment ago is not even asked", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    const data = await Peer.connect(relay);
    data.say(`{"Accept":"${visitorsOf(client)[0]}"}\0hello`);
    await visitor.hears("hello");
    expect((await ask(relay, port)).text).toBe(IN_USE);
    expect(visitorsOf(client)).toHaveLength(1);
  });

  test("a holder that does not answer loses the port to the second probe, not to the first", async () => {
    const { port: relay, events } = await startRelay();
    const { client, port } = await openByHand(relay);
    const first = await ask(relay, port);
    expect(first.text).toBe(IN_USE);
    expect(visitorsOf(client)).toHaveLength(1);
    // Within a second of the first failure there is no second probe.
    expect((await ask(relay, port)).text).toBe(IN_USE);
    expect(visitorsOf(client)).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const [winner, loser] = await Promise.all([ask(relay, port), ask(relay, port)]);
    const texts = [winner.text, loser.text].sort();
    expect(texts[0]).toBe(IN_USE);
    expect(texts[1]).toContain(`{"Hello":${port}}`);
    expect(visitorsOf(client)).toHaveLength(2);
    await client.closes();
    expect(events).toContainEqual({
      type: "tunnel_closed",
      port,
      remoteAddress: "127.0.0.1",
      reason: "displaced",
    });
  });

  test("an answer that comes too late still saves the holder", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    expect((await ask(relay, port)).text).toBe(IN_USE);
    const late = await Peer.connect(relay);
    late.say(`{"Accept":"${visitorsOf(client)[0]}"}\0`);
    await late.closes();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await ask(relay, port)).text).toBe(IN_USE);
    expect(visitorsOf(client)).toHaveLength(1);
    expect(client.ended).toBe(false);
  });

  test("visitors that wait for a lost holder are served by who takes its port over, and streams go on", async () => {
    const { port: relay } = await startRelay({ limits: { pendingVisitorMs: 30_000 } });
    const { client, port } = await openByHand(relay);
    const old = await Peer.connect(port);
    await until("the old visitor is told", () => visitorsOf(client).length === 1);
    const data = await Peer.connect(relay);
    data.say(`{"Accept":"${visitorsOf(client)[0]}"}\0going`);
    await old.hears("going");
    // From here on the client says nothing any more.
    const visitor = await Peer.connect(port);
    visitor.say("anybody there?");
    const target = await echo();
    const { tunnel } = openTunnel({
      relayPort: relay,
      target: `127.0.0.1:${target.port}`,
      port,
      backoff: { maxMs: 1_000 },
    });
    await publicPort(tunnel);
    await visitor.hears("anybody there?");
    data.say(" on");
    await old.hears("going on");
  });

  test("a client that comes back gets its own port from its dead self, with streams that go on all the while", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    const data = await Peer.connect(relay);
    data.say(`{"Accept":"${visitorsOf(client)[0]}"}\0`);
    const chatter = setInterval(() => data.say("tick "), 100);
    try {
      const { tunnel } = openTunnel({ relayPort: relay, target: "1", port, backoff: { maxMs: 1_000 } });
      await backAfter(tunnel, 0);
      expect(tunnel.publicEndpoint?.port).toBe(port);
    } finally {
      clearInterval(chatter);
    }
    data.say("the end");
    await visitor.hears("the end");
  });
});
