import { connect, type Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import { openReverseForward, type Connection, type Forward } from "@holdfast/remote";
import { afterEach, describe, expect, it, vi } from "vitest";
import { all, broken, echo, Loopback, Service } from "./loopback.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});
const waitFor = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 10 });

function visit({ status }: Forward): Socket {
  const { address } = status;
  if (address === undefined || !("port" in address)) throw new Error("it listens nowhere");
  const socket = connect({ ...address, allowHalfOpen: true });
  socket.on("error", () => undefined);
  cleanUps.push(() => socket.destroy());
  return socket;
}

async function set(limits = {}): Promise<{
  loopback: Loopback;
  connection: Connection;
  service: Service;
  forward: Forward;
}> {
  const loopback = new Loopback();
  const service = await Service.start(echo);
  const connection = await loopback.open();
  cleanUps.push(
    () => service.stop(),
    () => connection.close(),
  );
  const target = { host: "127.0.0.1", port: service.port };
  const listen = { host: "127.0.0.1", port: 0 };
  const forward = openReverseForward(connection, { listen, target, limits });
  return { loopback, connection, service, forward };
}

describe("a reverse forward", () => {
  it("brings who comes to the far port here", async () => {
    const { forward } = await set();
    await waitFor(() => expect(forward.status.state).toBe("listening"));
    const socket = visit(forward);
    socket.end("hello");
    expect(String(await all(socket))).toBe("hello");
    await waitFor(() => expect(forward.status.connections).toBe(0));
  });

  it("asks for the same port on each new link", async () => {
    const { forward, loopback, connection } = await set();
    await waitFor(() => expect(forward.status.state).toBe("listening"));
    const { address } = forward.status;
    const old = visit(forward);
    old.write("x");
    await waitFor(() => expect(forward.status.connections).toBe(1));
    const saw = broken(old);
    loopback.reachable = false;
    loopback.cut();
    expect(await saw).toBe("ECONNRESET");
    await waitFor(() => expect(forward.status.state).toBe("waiting"));
    expect(await broken(visit(forward))).toBe("ECONNREFUSED");
    loopback.reachable = true;
    await waitFor(() => expect(forward.status).toMatchObject({ state: "listening", address }));
    expect(connection.status.epoch).toBe(2);
    const socket = visit(forward);
    socket.end("again");
    expect(String(await all(socket))).toBe("again");
  });

  it("moves its port to the link that replaces the old one, whose streams go on", async () => {
    const { forward, connection, service } = await set();
    await waitFor(() => expect(forward.status.state).toBe("listening"));
    const { address } = forward.status;
    const old = visit(forward);
    old.write("a");
    await waitFor(() => expect(service.sockets).toHaveLength(1));
    await connection.reconnect();
    await waitFor(() => expect(forward.status).toMatchObject({ state: "listening", address }));
    await vi.waitFor(async () => {
      const fresh = visit(forward);
      fresh.end("new");
      expect(String(await all(fresh))).toBe("new");
    });
    old.end("b");
    expect(String(await all(old))).toBe("ab");
    expect(forward.status.failure).toBeUndefined();
  });

  it("says that the far side refuses the port, and asks again", async () => {
    const { forward, loopback } = await set({ retryMs: 50 });
    await waitFor(() => expect(forward.status.state).toBe("listening"));
    const { address } = forward.status;
    loopback.refuse = new HoldfastError({ code: "address_in_use", message: "the port is taken" });
    loopback.cut();
    await waitFor(() => {
      expect(forward.status).toMatchObject({ state: "failed", failure: { code: "address_in_use" } });
    });
    loopback.refuse = undefined;
    await waitFor(() => expect(forward.status).toMatchObject({ state: "listening", address }));
    expect(forward.status.failure).not.toMatchObject({ code: "address_in_use" });
  });

  it("breaks who comes for a target that is not there", async () => {
    const { forward, service } = await set();
    await waitFor(() => expect(forward.status.state).toBe("listening"));
    service.stop();
    expect(await broken(visit(forward))).toBe("ECONNRESET");
    await waitFor(() => expect(forward.status.failure).toMatchObject({ code: "connection_refused" }));
  });

  it("takes only so many connections", async () => {
    const { forward } = await set({ maxConnections: 1 });
    await waitFor(() => expect(forward.status.state).toBe("listening"));
    visit(forward).write("x");
    await waitFor(() => expect(forward.status.connections).toBe(1));
    expect(await broken(visit(forward))).toBe("ECONNRESET");
    expect(forward.status.failure).toMatchObject({ code: "too_many" });
  });

  it.each(["forward", "connection"])("gives the port back when the %s is closed", async (what) => {
    const { forward, connection } = await set();
    await waitFor(() => expect(forward.status.state).toBe("listening"));
    await (what === "forward" ? forward : connection).close();
    expect(forward.status.state).toBe("closed");
    expect(await broken(visit(forward))).toBe("ECONNREFUSED");
  });
});
