// Who is not let in, and what a client may not say.
import { KIND, RESET, type SessionStream } from "@holdfast/core/session";
import { listenHoldfast, nodeCrypto, tcp } from "@holdfast/net/node";
import { hostSessions, openSession, type SessionHandle, type SessionLine } from "@holdfast/net/session";
import { describe, expect, onTestFinished, test } from "vitest";
import { openNative, ownerKey, portOf, startNativeRelay, talk } from "./native-stage.ts";
import { echo, Peer, until } from "./sockets.ts";

describe("a relay with a secret", () => {
  test("lets in who knows it, and nobody else; who is here stays when it changes", async () => {
    const {
      port: relayPort,
      relay,
      events,
    } = await startNativeRelay({ secret: "old", allowUnboundProofs: true });
    const target = await echo();
    const { tunnel: before } = openNative({ relayPort, targetPort: target.port, secret: "old" });
    const port = await portOf(before);
    relay.useSecret("new");
    const { tunnel: after } = openNative({ relayPort, targetPort: target.port, secret: "new" });
    await talk(await portOf(after));
    await talk(port);
    for (const secret of ["old", "wrong", undefined]) {
      const { tunnel } = openNative({ relayPort, targetPort: target.port, secret, failFast: true });
      expect(await tunnel.ended).toMatchObject({
        code: "failed",
        error: { kind: expect.any(String) as string },
      });
      expect(tunnel.line.status.state).toBe("disconnected");
    }
    expect(events.filter(({ type }) => type === "refused")).toHaveLength(3);
  });

  test("does not hear an address that came with ten wrong ones in a minute", async () => {
    const { port: relayPort, events } = await startNativeRelay({ secret: "s", allowUnboundProofs: true });
    const target = await echo();
    const tries = Array.from({ length: 12 }, () => {
      return openNative({ relayPort, targetPort: target.port, secret: "wrong", failFast: true }).tunnel.ended;
    });
    await Promise.all(tries);
    await until("ten are counted", () => events.filter(({ type }) => type === "refused").length >= 10);
    const honest = openNative({ relayPort, targetPort: target.port, secret: "s", failFast: true });
    expect(await honest.tunnel.ended).toMatchObject({ code: "failed", error: { kind: "transient" } });
  });
});

test.each([{ bind: "0.0.0.0" }, { tunnelBind: "0.0.0.0" }, { bind: "::" }])(
  "a relay for all the world must be asked for by name: %j",
  async (options) => {
    await expect(startNativeRelay(options)).rejects.toMatchObject({ code: "anonymous_relay", kind: "fatal" });
  },
);

test("an address may have so many sessions, and the next one is told to come back", async () => {
  const { port: relayPort } = await startNativeRelay({ limits: { sessionsPerAddress: 2 } });
  const target = await echo();
  for (let count = 0; count < 2; count += 1) {
    await portOf(openNative({ relayPort, targetPort: target.port }).tunnel);
  }
  const third = openNative({ relayPort, targetPort: target.port });
  await until("it is told", () => third.tunnel.line.status.failure?.kind === "throttled");
  expect(third.tunnel.line.status.failure?.retryAfterMs).toBeGreaterThanOrEqual(10_000);
});

test("a herd gets slots behind the queue, and everybody is in", { timeout: 30_000 }, async () => {
  const limits = { handshakesPerSecond: 5, queueMs: 200 };
  const { port: relayPort, relay } = await startNativeRelay({ limits });
  const target = await echo();
  const clients = Array.from({ length: 15 }, () => openNative({ relayPort, targetPort: target.port }));
  const hints = new Set<number>();
  const seen = clients.map(async ({ tunnel }) => {
    for await (const { failure, state } of tunnel.line.changes()) {
      if (failure?.retryAfterMs !== undefined) hints.add(failure.retryAfterMs);
      if (state === "connected") return;
    }
  });
  await Promise.all(seen);
  await Promise.all(clients.map(({ tunnel }) => tunnel.ready()));
  expect(relay.status.tunnels).toHaveLength(15);
  expect(hints.size).toBeGreaterThan(3);
});

test("an owner has so many leases", async () => {
  const { port: relayPort } = await startNativeRelay({ limits: { targetsPerOwner: 2 } });
  const target = await echo();
  const targets = ["a", "b", "c"].map((label) => ({ target: `127.0.0.1:${target.port}`, label }));
  const { tunnel } = openNative({ relayPort, targets, ownerKey: ownerKey() });
  const phases = (await tunnel.ready()).map(({ phase }) => phase);
  expect(phases.map(({ type }) => type)).toEqual(["bound", "bound", "refused"]);
  expect(phases[2]).toMatchObject({ failure: { code: "limit" } });
});

test("ports outside of the range are refused for good", async () => {
  const { port: relayPort } = await startNativeRelay({ ports: [20_000, 20_100] });
  const target = await echo();
  const targets = [{ target: `127.0.0.1:${target.port}`, port: 30_000 }];
  const { tunnel } = openNative({ relayPort, targets });
  expect(await tunnel.ended).toMatchObject({ code: "failed", error: { code: "port_not_allowed" } });
});

test("a port that another program has is waited for", async () => {
  const { port: relayPort } = await startNativeRelay({ ports: [1_024, 65_535] });
  const [target, other] = [await echo(), await echo()];
  const targets = [{ target: `127.0.0.1:${target.port}`, port: other.port }];
  const { tunnel } = openNative({ relayPort, targets });
  await until("it waits", () => tunnel.targets[0]?.phase.type === "waiting");
  expect(tunnel.targets[0]?.phase).toMatchObject({ failure: { code: "port_in_use" } });
  await expect(Promise.race([tunnel.ready(), Promise.resolve("not ready")])).resolves.toBe("not ready");
  await other.close();
  await until("it has the port", () => tunnel.targets[0]?.phase.type === "bound", 30_000);
});

describe("a relay that is none", () => {
  async function hostByHand(
    onStream: (stream: SessionStream, session: SessionHandle) => void,
  ): Promise<number> {
    const host = hostSessions({ crypto: nodeCrypto(), onSession: () => undefined, onStream });
    const listener = await listenHoldfast({
      endpoint: { host: "127.0.0.1", port: 0 },
      onLink: (link) => host.take(link),
    });
    onTestFinished(async () => {
      await listener.close();
      await host.close();
    });
    if ("path" in listener.endpoint) throw new Error("a listener of a port listens on a port");
    return listener.endpoint.port;
  }

  test("because it serves other things, is no reason to wait", async () => {
    const relayPort = await hostByHand((stream) => stream.reset(RESET.notProcessed));
    const { tunnel } = openNative({ relayPort, targetPort: 1 });
    await expect(tunnel.ready()).resolves.toMatchObject([{ phase: { failure: { code: "not_served" } } }]);
    expect(await tunnel.ended).toMatchObject({
      code: "failed",
      error: { code: "not_served", kind: "fatal" },
    });
  });

  test.each(["bound\n", '{"type":"bound","id":1}\n', "x".repeat(5_000)])(
    "because it says %j",
    async (line) => {
      const relayPort = await hostByHand((stream) => void stream.write(Buffer.from(line)));
      const { tunnel } = openNative({ relayPort, targetPort: 1 });
      expect(await tunnel.ended).toMatchObject({ code: "failed", error: { kind: "fatal", fault: "peer" } });
      expect(tunnel.line.status.state).toBe("disconnected");
    },
  );
});

describe("a client that speaks by hand", () => {
  interface ByHand {
    readonly line: SessionLine;
    readonly session: SessionHandle;
    open(kind: number, metadata: string): { stream: SessionStream; heard: () => string };
  }

  async function connectByHand(relayPort: number, key?: Uint8Array): Promise<ByHand> {
    let began: (session: SessionHandle) => void = () => undefined;
    const beginning = new Promise<SessionHandle>((resolve) => (began = resolve));
    const line = openSession({
      dial: tcp({ host: "127.0.0.1", port: relayPort }),
      crypto: nodeCrypto(),
      ownerKey: key,
      reconnect: false,
      onSession: (session) => began(session),
    });
    onTestFinished(() => line.close());
    const session = await beginning;
    const open: ByHand["open"] = (kind, metadata) => {
      let heard = "";
      const readable = (stream: SessionStream): void => {
        for (let piece = stream.read(); piece !== undefined; piece = stream.read()) {
          heard += Buffer.from(piece).toString();
          stream.consumed(piece.length);
        }
      };
      const nothing = (): void => undefined;
      const stream = session.open(kind, Buffer.from(metadata), {
        readable,
        writable: nothing,
        forgotten: nothing,
      });
      return { stream, heard: () => heard };
    };
    return { line, session, open };
  }

  const control = (client: ByHand) => client.open(KIND.control, "tunnel/1");
  const say = ({ stream }: { stream: SessionStream }, text: string): void =>
    void stream.write(Buffer.from(text));

  test("is answered line by line, in order, and what nobody knows is ignored", async () => {
    const { port: relayPort } = await startNativeRelay();
    const channel = control(await connectByHand(relayPort));
    say(
      channel,
      '{"type":"news","id":7}\n{"type":"bind","id":1,"port":0,"target":"a","more":1}\n{"type":"bi',
    );
    say(channel, 'nd","id":2,"port":0,"target":"b"}\n{"type":"bind","id":1,"port":0,"target":"c"}\n');
    await until("three answers", () => channel.heard().split("\n").length === 4);
    const answers = channel
      .heard()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { port: number });
    expect(answers).toMatchObject([
      { type: "bound", id: 1, generation: 1, lease_ms: 900_000 },
      { type: "bound", id: 2 },
      { type: "refused", id: 1, code: "duplicate", retryable: false },
    ]);
    say(channel, '{"type":"unbind","id":1,"reason":"closed"}\n');
    const visitor = async (): Promise<Peer> => Peer.connect(answers[0]?.port ?? 0);
    let refused = false;
    while (!refused) {
      const peer = await visitor();
      await until("it is over", () => peer.error !== undefined || peer.ended || !peer.socket.connecting);
      refused = peer.error?.code === "ECONNREFUSED";
      peer.socket.destroy();
    }
  });

  test.each([
    ["what is not JSON", "hello\n"],
    ["a message that is not right", '{"type":"bind","id":-1}\n'],
    ["a line that is too long", `{"type":"bind","x":"${"x".repeat(5_000)}`],
  ])("and says %s loses its session", async (_, text) => {
    const { port: relayPort, relay } = await startNativeRelay();
    const client = await connectByHand(relayPort);
    const channel = control(client);
    say(channel, '{"type":"bind","id":1,"port":0,"target":"a"}\n');
    await until("it is bound", () => relay.status.tunnels.length === 1);
    say(channel, text);
    expect(await client.session.ended).toMatchObject({ code: 2 });
    await until("its port is gone", () => relay.status.leases.length === 0);
  });

  test("and breaks its session keeps its port, and visitors wait for its next one", async () => {
    const { port: relayPort, relay } = await startNativeRelay();
    const [key, target] = [ownerKey(), await echo()];
    const client = await connectByHand(relayPort, key);
    const channel = control(client);
    say(channel, '{"type":"bind","id":1,"port":0,"target":"a"}\nnonsense\n');
    await client.session.ended;
    await until("the port is kept", () => relay.status.leases[0]?.until !== undefined);
    const visitor = await Peer.connect(relay.status.leases[0]?.port ?? 0);
    visitor.say("patience");
    const targets = [{ target: `127.0.0.1:${target.port}`, label: "a" }];
    openNative({ relayPort, targets, ownerKey: key });
    await visitor.hears("patience");
  });

  test("and does not come back loses its port with the lease, and the visitors are reset", async () => {
    const { port: relayPort, relay } = await startNativeRelay({ limits: { leaseMs: 1_000 } });
    const client = await connectByHand(relayPort, ownerKey());
    say(control(client), '{"type":"bind","id":1,"port":0,"target":"a"}\nnonsense\n');
    await until("the port is kept", () => relay.status.leases[0]?.until !== undefined);
    const port = relay.status.leases[0]?.port ?? 0;
    const visitor = await Peer.connect(port);
    await visitor.isReset();
    expect(relay.status.leases).toEqual([]);
    const late = await Peer.connect(port);
    await until("nobody listens", () => late.error?.code === "ECONNREFUSED");
  });

  test("and loses its last port to another program is closed, whatever it makes of it", async () => {
    const { port: relayPort, relay } = await startNativeRelay();
    const key = ownerKey();
    const clients = [await connectByHand(relayPort, key), await connectByHand(relayPort, key)];
    for (const client of clients) {
      say(control(client), '{"type":"bind","id":1,"port":0,"target":"a","force":true}\n');
      await until("it is bound", () => relay.status.tunnels.length === 1);
    }
    expect(await clients[0]?.session.ended).toMatchObject({ reason: "replaced", code: 4 });
    await until("the other one has it", () => relay.status.leases[0]?.generation === 2);
    expect(clients[1]?.session.end).toBeUndefined();
  });

  test("cannot open anything but one control stream", async () => {
    const { port: relayPort } = await startNativeRelay();
    const client = await connectByHand(relayPort);
    const channel = control(client);
    const others = [
      control(client),
      client.open(KIND.tcp, '{"bind":1}'),
      client.open(KIND.control, "pubsub/1"),
    ];
    for (const { stream } of others) {
      await until("it is reset", () => stream.received !== undefined);
      expect(stream.received).toEqual({ type: "reset", code: RESET.notProcessed, by: "peer" });
    }
    expect(channel.stream.received).toBeUndefined();
  });

  test("and asks faster than it reads is held back, and not buffered for", async () => {
    const { port: relayPort } = await startNativeRelay();
    const client = await connectByHand(relayPort);
    const nothing = (): void => undefined;
    const listener = { readable: nothing, writable: nothing, forgotten: nothing };
    const stream = client.session.open(KIND.control, Buffer.from("tunnel/1"), listener);
    const question = Buffer.from('{"type":"bind","id":1,"port":1,"target":"a"}\n'.repeat(200));
    let looks = 0;
    let before = -1;
    await until("it is held back, and stays so", () => {
      while (stream.writable) stream.write(question);
      looks = stream.bytesOut === before ? looks + 1 : 0;
      before = stream.bytesOut;
      return looks > 50;
    });
    // The relay has read no more than what the answers that nobody reads leave room for.
    expect(stream.bytesOut).toBeLessThan(1_000_000);
    expect(client.session.end).toBeUndefined();
  });
});
