import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { openLocalForward, openSocksForward, type Connection, type Forward } from "@holdfast/remote";
import { afterEach, describe, expect, it, vi } from "vitest";
import { all, broken, echo, Loopback, Service } from "./loopback.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});
const kept = <T>(thing: T, cleanUp: (thing: T) => unknown): T => {
  cleanUps.push(() => cleanUp(thing));
  return thing;
};

const ANY = { host: "127.0.0.1", port: 0 };
const waitFor = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 10 });

function visit({ status }: Forward): Socket {
  const { address } = status;
  if (address === undefined || !("port" in address)) throw new Error("it listens nowhere");
  const socket = connect({ ...address, allowHalfOpen: true });
  socket.on("error", () => undefined);
  return kept(socket, () => socket.destroy());
}

async function set(
  serve: (socket: Socket) => void = echo,
  limits = {},
): Promise<{
  loopback: Loopback;
  connection: Connection;
  service: Service;
  forward: Forward;
}> {
  const loopback = new Loopback();
  const service = kept(await Service.start(serve), (it) => it.stop());
  const connection = kept(await loopback.open(), (it) => it.close());
  const target = { host: "127.0.0.1", port: service.port };
  const forward = await openLocalForward(connection, { listen: ANY, target, limits });
  return { loopback, connection, service, forward };
}

describe("a local forward", () => {
  it("carries bytes both ways, with an end each, whole", async () => {
    const { forward } = await set();
    const sent = Buffer.alloc(4 * 1_024 * 1_024, "holdfast");
    const socket = visit(forward);
    socket.end(sent);
    const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    expect(hash(await all(socket))).toBe(hash(sent));
    await waitFor(() => expect(forward.status).toMatchObject({ state: "listening", connections: 0 }));
    expect(forward.status.failure).toBeUndefined();
  });

  it("keeps a half open connection half open", async () => {
    const { forward, service } = await set((socket) => void socket.end("bye"));
    const socket = visit(forward);
    expect(String(await all(socket))).toBe("bye");
    socket.write("one");
    socket.end(" two");
    await waitFor(() => expect(service.sockets).toHaveLength(1));
    const [there] = service.sockets;
    if (there !== undefined) expect(String(await all(there))).toBe("one two");
  });

  it("breaks one side when the other breaks", async () => {
    const { forward, service } = await set();
    const socket = visit(forward);
    socket.write("x");
    await waitFor(() => expect(service.sockets).toHaveLength(1));
    const there = service.sockets[0] as Socket;
    const saw = broken(socket);
    there.resetAndDestroy();
    expect(await saw).toBe("ECONNRESET");

    const other = visit(forward);
    other.write("x");
    await waitFor(() => expect(service.sockets).toHaveLength(2));
    const far = broken(service.sockets[1] as Socket);
    other.resetAndDestroy();
    expect(await far).toBe("ECONNRESET");
    await waitFor(() => expect(forward.status.connections).toBe(0));
  });

  it("resets who comes for a target that refuses, and says so", async () => {
    const { forward, service } = await set();
    service.stop();
    expect(await broken(visit(forward))).toBe("ECONNRESET");
    await waitFor(() => expect(forward.status.failure).toMatchObject({ code: "connection_refused" }));
    expect(forward.status.state).toBe("listening");
  });

  it("keeps its port over an outage: streams break, who comes waits for the link", async () => {
    const { forward, connection, loopback } = await set();
    const { address } = forward.status;
    const old = visit(forward);
    old.write("x");
    await waitFor(() => expect(forward.status.connections).toBe(1));
    await waitFor(() => expect(loopback.wanted).toHaveLength(1));
    const saw = broken(old);
    loopback.reachable = false;
    loopback.cut();
    expect(await saw).toBe("ECONNRESET");
    await waitFor(() => expect(forward.status.state).toBe("waiting"));

    const waiting = visit(forward);
    waiting.end("patience");
    await waitFor(() => expect(forward.status.waiting).toBe(1));
    loopback.reachable = true;
    expect(String(await all(waiting))).toBe("patience");
    expect(forward.status).toMatchObject({ state: "listening", address, waiting: 0 });
    expect(connection.status.epoch).toBe(2);
  });

  it("goes on over the old link while new connections take the new one", async () => {
    const { forward, connection, service } = await set();
    const old = visit(forward);
    old.write("a");
    await waitFor(() => expect(service.sockets).toHaveLength(1));
    await connection.reconnect();
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    const fresh = visit(forward);
    fresh.end("new");
    expect(String(await all(fresh))).toBe("new");
    old.end("b");
    expect(String(await all(old))).toBe("ab");
  });

  it("lets only so many wait, and not for ever", async () => {
    const { forward, loopback } = await set(echo, { maxWaiting: 1, waitMs: 300 });
    loopback.reachable = false;
    loopback.cut();
    await waitFor(() => expect(forward.status.state).toBe("waiting"));
    const first = broken(visit(forward));
    await waitFor(() => expect(forward.status.waiting).toBe(1));
    expect(await broken(visit(forward))).toBe("ECONNRESET");
    expect(forward.status.failure).toMatchObject({ code: "too_many" });
    expect(await first).toBe("ECONNRESET");
    await waitFor(() => expect(forward.status.failure).toMatchObject({ code: "not_connected" }));
  });

  it("takes only so many connections", async () => {
    const { forward } = await set(echo, { maxConnections: 1 });
    visit(forward).write("x");
    await waitFor(() => expect(forward.status.connections).toBe(1));
    expect(await broken(visit(forward))).toBe("ECONNRESET");
    expect(forward.status).toMatchObject({ connections: 1, failure: { code: "too_many" } });
  });

  it("does not wait for ever for a far side that does not answer", async () => {
    const { forward, loopback, service } = await set(echo, { connectMs: 200 });
    let open: () => void = () => undefined;
    loopback.gate = new Promise((resolve) => (open = resolve));
    expect(await broken(visit(forward))).toBe("ECONNRESET");
    open();
    // What comes too late is closed.
    await waitFor(() =>
      expect(service.sockets[0]?.readableEnded || service.sockets[0]?.destroyed).toBe(true),
    );
  });

  it("ends with the connection, and by itself, and says so last", async () => {
    const { forward, connection } = await set();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { state } of forward.changes()) seen.push(state);
    })();
    const socket = visit(forward);
    socket.write("x");
    await waitFor(() => expect(forward.status.connections).toBe(1));
    const saw = broken(socket);
    await connection.close();
    expect(await saw).toBe("ECONNRESET");
    await reading;
    expect(seen.at(-1)).toBe("closed");
    expect(await broken(visit(forward))).toBe("ECONNREFUSED");
    await forward.close();
  });

  it("breaks its connections when it alone is closed", async () => {
    const { forward, connection } = await set();
    const socket = visit(forward);
    socket.write("x");
    await waitFor(() => expect(forward.status.connections).toBe(1));
    const saw = broken(socket);
    await forward.close();
    expect(await saw).toBe("ECONNRESET");
    expect(forward.status.state).toBe("closed");
    expect(connection.status.state).toBe("connected");
  });

  it("is refused where the plugin cannot, and where the port is taken", async () => {
    const { connection, forward } = await set();
    const listen = forward.status.address ?? ANY;
    const target = { host: "a", port: 1 };
    await expect(openLocalForward(connection, { listen, target })).rejects.toMatchObject({
      code: "address_in_use",
    });
    const unable = Object.create(connection, {
      abilities: { value: { ...connection.abilities, forward: "this container has no nc" } },
    }) as Connection;
    await expect(openLocalForward(unable, { listen: ANY, target })).rejects.toMatchObject({
      code: "unsupported",
      message: "unsupported: this container has no nc",
    });
    await connection.close();
    await expect(openLocalForward(connection, { listen: ANY, target })).rejects.toMatchObject({
      code: "closed",
    });
  });
});

const GREETING = [5, 1, 0];
const named = (name: string, port: number): number[] => {
  return [5, 1, 0, 3, name.length, ...Buffer.from(name), port >> 8, port & 255];
};

describe("a SOCKS forward", () => {
  async function socks(limits = {}): Promise<{ loopback: Loopback; service: Service; forward: Forward }> {
    const loopback = new Loopback();
    const service = kept(await Service.start(echo), (it) => it.stop());
    const connection = kept(await loopback.open(), (it) => it.close());
    return { loopback, service, forward: await openSocksForward(connection, { listen: ANY, limits }) };
  }

  it("goes where its clients want, by names that the far side resolves", async () => {
    const { forward, service, loopback } = await socks();
    const client = visit(forward);
    client.end(Buffer.from([...GREETING, ...named("db.far", service.port), ...Buffer.from("hello")]));
    const got = await all(client);
    expect([...got.subarray(0, 4)]).toEqual([5, 0, 5, 0]);
    expect(String(got.subarray(12))).toBe("hello");
    expect(loopback.wanted).toEqual([`db.far:${service.port}`]);
  });

  it("says why it could not", async () => {
    const { forward, service } = await socks();
    const { port } = service;
    service.stop();
    const client = visit(forward);
    client.write(Buffer.from([...GREETING, ...named("db.far", port)]));
    expect([...(await all(client))].slice(0, 4)).toEqual([5, 0, 5, 5]);
  });

  it("refuses who speaks something else, or says nothing", async () => {
    const { forward } = await socks({ greetingMs: 200 });
    const http = visit(forward);
    http.write("GET / HTTP/1.1\r\n\r\n");
    expect(await broken(http)).toBe("ECONNRESET");
    expect(await broken(visit(forward))).toBe("ECONNRESET");
    await waitFor(() =>
      expect(forward.status).toMatchObject({ connections: 0, failure: { code: "timed_out" } }),
    );
  });

  it("waits for the link as any forward does", async () => {
    const { forward, service, loopback } = await socks();
    loopback.reachable = false;
    loopback.cut();
    await waitFor(() => expect(forward.status.state).toBe("waiting"));
    const client = visit(forward);
    client.end(Buffer.from([...GREETING, ...named("db.far", service.port), 33]));
    await waitFor(() => expect(forward.status.waiting).toBe(1));
    loopback.reachable = true;
    expect([...(await all(client))].at(-1)).toBe(33);
  });
});
