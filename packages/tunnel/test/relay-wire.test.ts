// The relay against clients that speak the wire by hand: the golden transcripts, byte for byte.
import { describe, expect, test } from "vitest";
import { authenticateByHand, openByHand, startRelay, visitorsOf } from "./relay.ts";
import { freePort, Peer, serve, until } from "./sockets.ts";

const UUID4 = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

describe("opening a tunnel", () => {
  test("Hello is answered with the port and a heartbeat in one segment, then a heartbeat each half second", async () => {
    const { port } = await startRelay();
    const client = await Peer.connect(port);
    client.say('{"Hello":0}\0');
    await client.hears('"Heartbeat"\0');
    expect(client.chunks[0]?.toString()).toMatch(/^\{"Hello":\d+\}\0"Heartbeat"\0$/);
    const began = performance.now();
    await until("four more heartbeats came", () => client.text.split('"Heartbeat"\0').length - 1 >= 5);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(client.text).toMatch(/^\{"Hello":\d+\}\0("Heartbeat"\0)+$/);
  });

  test("a port that is asked for is given", async () => {
    const { port: relay } = await startRelay();
    const wanted = await freePort();
    const { port } = await openByHand(relay, wanted);
    expect(port).toBe(wanted);
  });

  test("an unterminated Hello before the end is a Hello", async () => {
    const { port } = await startRelay();
    const client = await Peer.connect(port);
    client.socket.end('{"Hello":0}');
    await client.hears('"Heartbeat"\0');
    expect(client.text).toMatch(/^\{"Hello":\d+\}\0"Heartbeat"\0$/);
    await client.closes();
  });

  test("a Hello that comes byte by byte is a Hello", async () => {
    const { port } = await startRelay();
    const client = await Peer.connect(port);
    for (const byte of ' {"Hello" : 0}\0') {
      client.say(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.hears('"Heartbeat"\0');
  });

  test.each([
    [
      "outside the range",
      { ports: [20_000, 20_010] as const },
      '{"Hello":80}\0',
      "client port number not in allowed range",
    ],
    [
      "above the range",
      { ports: [20_000, 20_010] as const },
      '{"Hello":20011}\0',
      "client port number not in allowed range",
    ],
  ])("a port %s is refused", async (_, options, hello, text) => {
    const { port } = await startRelay(options);
    const client = await Peer.connect(port);
    client.say(hello);
    await client.closes();
    expect(client.text).toBe(`{"Error":"${text}"}\0`);
    expect(client.ended).toBe(true);
  });

  test("a port of another program is in use", async () => {
    const other = await serve(() => undefined);
    const { port } = await startRelay();
    const client = await Peer.connect(port);
    client.say(`{"Hello":${other.port}}\0`);
    await client.closes();
    expect(client.text).toBe('{"Error":"port already in use"}\0');
  });

  test("any port means any that is free, down to the last one", async () => {
    const last = await freePort();
    const taken = await serve(() => undefined, last + 1).catch(() => undefined);
    const { port } = await startRelay({ ports: [last, last + (taken === undefined ? 0 : 1)] });
    expect((await openByHand(port)).port).toBe(last);
    const client = await Peer.connect(port);
    client.say('{"Hello":0}\0');
    await client.closes();
    expect(client.text).toBe('{"Error":"failed to find an available port"}\0');
  });

  test.each([
    ["a stray Authenticate", '{"Authenticate":"00"}\0'],
    ["65536", '{"Hello":65536}\0'],
    ["garbage", "GET / HTTP/1.1\r\n\r\n\0"],
    ["257 bytes", `${" ".repeat(246)}{"Hello":0}\0`],
    ["a megabyte without an end", "x".repeat(1_000_000)],
    ["null", "null\0"],
    ["an unknown variant", '{"Goodbye":1}\0'],
    ["an unknown visitor", '{"Accept":"67e55044-10b1-426f-9247-bb680e5fe0c8"}\0'],
  ])("without a secret, %s is closed without a word", async (_, words) => {
    const { port } = await startRelay();
    const client = await Peer.connect(port);
    client.say(words);
    await client.closes();
    expect(client.text).toBe("");
    expect((await openByHand(port)).port).toBeGreaterThan(0);
  });

  test("256 bytes are still a message", async () => {
    const { port } = await startRelay();
    const client = await Peer.connect(port);
    client.say(`${" ".repeat(245)}{"Hello":0}\0`);
    await client.hears('"Heartbeat"\0');
  });
});

describe("with a secret", () => {
  test("every connection is challenged first, and says everything in one segment", async () => {
    const { port } = await startRelay({ secret: "secret" });
    const client = await Peer.connect(port);
    await client.hears("\0");
    expect(client.text).toMatch(new RegExp(`^{"Challenge":"${UUID4}"}\0$`));
    await authenticateByHand(client, "secret", '{"Hello":0}\0');
    await client.hears('"Heartbeat"\0');
    expect(client.frames[1]).toMatch(/^\{"Hello":\d+\}$/);
  });

  test("an empty secret is a secret", async () => {
    const { port } = await startRelay({ secret: "" });
    await openByHand(port, 0, "");
  });

  test.each([
    ["a wrong answer", `{"Authenticate":"${"0".repeat(64)}"}\0{"Hello":0}\0`, "invalid secret"],
    ["an answer that is no hex", '{"Authenticate":"x"}\0', "invalid secret"],
    ["Hello at once", '{"Hello":0}\0', "server requires secret, but no secret was provided"],
    ["null", "null\0", "server requires secret, but no secret was provided"],
    ["garbage", "garbage\0", "unable to parse message"],
    ["257 bytes", "x".repeat(257), "frame error, invalid byte length"],
  ])("%s is told why", async (_, words, text) => {
    const { port } = await startRelay({ secret: "secret" });
    const client = await Peer.connect(port);
    client.say(words);
    await client.closes();
    expect(client.frames.slice(1)).toEqual([`{"Error":"${text}"}`]);
    expect(client.error).toBeUndefined();
  });

  test("the relay listens a moment longer, so that no reset overtakes the text", async () => {
    const { port } = await startRelay({ secret: "secret", limits: { farewellMs: 20_000 } });
    const client = await Peer.connect(port);
    client.say(`{"Authenticate":"${"0".repeat(64)}"}\0`);
    await client.closes();
    expect(client.frames.slice(1)).toEqual(['{"Error":"invalid secret"}']);
    // To a closed socket the first of these would be a reset, and the second an error.
    client.say("x".repeat(1_000));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.socket.end("x".repeat(1_000));
    await until("both sides are done", () => client.socket.destroyed);
    expect(client.error).toBeUndefined();
  });

  test("an end instead of an answer is told why", async () => {
    const { port } = await startRelay({ secret: "secret" });
    const client = await Peer.connect(port);
    client.socket.end();
    await client.closes();
    expect(client.frames.slice(1)).toEqual([
      '{"Error":"server requires secret, but no secret was provided"}',
    ]);
  });

  test("silence is told why when its time is over", async () => {
    const { port } = await startRelay({ secret: "secret", limits: { handshakeMs: 200 } });
    const client = await Peer.connect(port);
    await client.closes();
    expect(client.frames.slice(1)).toEqual(['{"Error":"timed out waiting for initial message"}']);
  });

  test("garbage behind a right answer is closed without a word", async () => {
    const { port } = await startRelay({ secret: "secret" });
    const client = await Peer.connect(port);
    await authenticateByHand(client, "secret", "garbage\0");
    await client.closes();
    expect(client.frames).toHaveLength(1);
  });
});

describe("visitors", () => {
  test("a visitor is told with a heartbeat behind it, and taken by its identifier", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    visitor.say("early ");
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    expect(client.text).toMatch(new RegExp(`{"Connection":"${UUID4}"}\0"Heartbeat"\0`));
    const data = await Peer.connect(relay);
    data.say(`{"Accept":"${visitorsOf(client)[0]?.toUpperCase().replaceAll("-", "")}"}\0pipelined`);
    await visitor.hears("pipelined");
    visitor.say("late");
    await data.hears("early late");
    expect(data.text).toBe("early late");
  });

  test("each direction ends by itself", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    const data = await Peer.connect(relay);
    data.say(`{"Accept":"${visitorsOf(client)[0]}"}\0`);
    visitor.socket.end("question");
    await data.closes();
    expect(data.text).toBe("question");
    data.socket.end("answer");
    await visitor.closes();
    expect(visitor.text).toBe("answer");
  });

  test("an Accept that ends unterminated takes the visitor, and has nothing to send it", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    const data = await Peer.connect(relay);
    data.socket.end(`{"Accept":"${visitorsOf(client)[0]}"}`);
    await visitor.closes();
    visitor.socket.end("still heard");
    await data.hears("still heard");
  });

  test("a broken stream is a reset for the visitor, never an end", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    const data = await Peer.connect(relay);
    data.say(`{"Accept":"${visitorsOf(client)[0]}"}\0half an ans`);
    await visitor.hears("half an ans");
    data.socket.resetAndDestroy();
    await visitor.isReset();
  });

  test("a visitor that nobody takes is reset when its time is over", async () => {
    const { port: relay, events } = await startRelay({ limits: { pendingVisitorMs: 200 } });
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    await visitor.isReset();
    expect(events).toContainEqual({ type: "visitor_reset", port, reason: "not_taken" });
    const late = await Peer.connect(relay);
    late.say(`{"Accept":"${visitorsOf(client)[0]}"}\0`);
    await late.closes();
  });

  test("more visitors than may wait are reset, those before them are not", async () => {
    const { port: relay, relay: handle } = await startRelay({ limits: { pendingVisitorsPerTunnel: 2 } });
    const { client, port } = await openByHand(relay);
    const first = [await Peer.connect(port), await Peer.connect(port)];
    await until("two are told", () => visitorsOf(client).length === 2);
    const third = await Peer.connect(port);
    await third.isReset();
    expect(first.map(({ socket }) => socket.destroyed)).toEqual([false, false]);
    expect(handle.tunnels).toMatchObject([{ port, pending: 2, visitors: 0 }]);
  });

  test("a visitor can be taken after the control connection is gone, as with the real relay", async () => {
    const { port: relay } = await startRelay();
    const { client, port } = await openByHand(relay);
    const visitor = await Peer.connect(port);
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    client.socket.destroy();
    const data = await Peer.connect(relay);
    data.say(`{"Accept":"${visitorsOf(client)[0]}"}\0hello`);
    await visitor.hears("hello");
  });

  test("with a secret, a visitor cannot be taken without it", async () => {
    const { port: relay } = await startRelay({ secret: "secret" });
    const { client, port } = await openByHand(relay, 0, "secret");
    const visitor = await Peer.connect(port);
    await until("the visitor is told", () => visitorsOf(client).length === 1);
    const thief = await Peer.connect(relay);
    await authenticateByHand(thief, "guess", `{"Accept":"${visitorsOf(client)[0]}"}\0stolen`);
    await thief.closes();
    expect(thief.text).toContain("invalid secret");
    const data = await Peer.connect(relay);
    await authenticateByHand(data, "secret", `{"Accept":"${visitorsOf(client)[0]}"}\0rightful`);
    await visitor.hears("rightful");
    expect(visitor.text).toBe("rightful");
  });
});
