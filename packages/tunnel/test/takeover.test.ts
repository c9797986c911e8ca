// Two clients and one port: who has it keeps it as long as it is there, and not a moment longer.
import { describe, expect, test } from "vitest";
import { HastyClock } from "./hasty-clock.ts";
import { openByHand, startRelay, visitorsOf } from "./relay.ts";
import { echo, Peer, until } from "./sockets.ts";
import { backAfter, openTunnel, proveEcho, publicPort } from "./tunnel.ts";

const IN_USE = '{"Error":"port already in use"}\0';
// On a clock that moves only when it is told to, a slow machine cannot run over a rule's second.
const NEARLY_STILL = 0.001;
const AT_ANY_PACE = { handshakesPerSecond: 1e9 };

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

  /** A newcomer asks, the holder is probed and does not answer in time. */
  async function askInVain(
    relay: number,
    holder: { client: Peer; port: number },
    clock: HastyClock,
  ): Promise<Peer> {
    const probes = visitorsOf(holder.client).length;
    const newcomer = await Peer.connect(relay);
    newcomer.say(`{"Hello":${holder.port}}\0`);
    await until("the holder is probed", () => visitorsOf(holder.client).length === probes + 1);
    expect(newcomer.text).toBe("");
    clock.skip(2_000);
    await newcomer.hears("\0");
    return newcomer;
  }

  test("a holder that does not answer loses the port to the second probe, not to the first", async () => {
    const clock = new HastyClock(NEARLY_STILL, 1);
    const { port: relay, events } = await startRelay({ clock, limits: AT_ANY_PACE });
    const holder = await openByHand(relay);
    const { client, port } = holder;
    expect((await askInVain(relay, holder, clock)).text).toBe(IN_USE);
    // Within a second of the first failure there is no second probe.
    expect((await ask(relay, port)).text).toBe(IN_USE);
    expect(visitorsOf(client)).toHaveLength(1);
    clock.skip(1_000);
    const loser = await Peer.connect(relay);
    loser.say(`{"Hello":${port}}\0`);
    await until("the holder is probed again", () => visitorsOf(client).length === 2);
    const other = await Peer.connect(relay);
    other.say(`{"Hello":${port}}\0`);
    const third = await openByHand(relay);
    expect(third.port).not.toBe(port);
    clock.skip(2_000);
    await loser.hears("\0");
    await other.hears("\0");
    const texts = [loser.text, other.text].sort();
    expect(texts).toEqual([expect.stringContaining(IN_USE), expect.stringContaining(`{"Hello":${port}}`)]);
    expect(visitorsOf(client)).toHaveLength(2);
    await client.closes();
    expect(events).toContainEqual({
      type: "tunnel_closed",
      port,
      remoteAddress: "127.0.0.1",
      reason: "displaced",
    });
  });

  test("a holder that leaves while it is probed makes room at once", async () => {
    const clock = new HastyClock(NEARLY_STILL, 1);
    const { port: relay } = await startRelay({ clock, limits: AT_ANY_PACE });
    const { client, port } = await openByHand(relay);
    const newcomer = await Peer.connect(relay);
    newcomer.say(`{"Hello":${port}}\0`);
    await until("the holder is probed", () => visitorsOf(client).length === 1);
    client.socket.end();
    await newcomer.hears(`{"Hello":${port}}\0`);
  });

  test("an answer that comes too late still saves the holder", async () => {
    const clock = new HastyClock(NEARLY_STILL, 1);
    const { port: relay } = await startRelay({ clock, limits: AT_ANY_PACE });
    const holder = await openByHand(relay);
    expect((await askInVain(relay, holder, clock)).text).toBe(IN_USE);
    const late = await Peer.connect(relay);
    late.say(`{"Accept":"${visitorsOf(holder.client)[0]}"}\0`);
    await late.closes();
    clock.skip(1_100);
    expect((await ask(relay, holder.port)).text).toBe(IN_USE);
    expect(visitorsOf(holder.client)).toHaveLength(1);
    clock.skip(10_000);
    expect((await askInVain(relay, holder, clock)).text).toBe(IN_USE);
    expect(holder.client.ended).toBe(false);
  });

  test("visitors that wait for a lost holder are served by who takes its port over, and streams go on", async () => {
    const clock = new HastyClock(10);
    const { port: relay } = await startRelay({ clock, limits: { pendingVisitorMs: 300_000 } });
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
    const { port: relay } = await startRelay({ clock: new HastyClock(10) });
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
