// Connections and forwards over the plugin for this machine: real processes, real sockets, links replaced under them.
import { connect, type AddressInfo, type Socket } from "node:net";
import {
  hostPlugin,
  openConnection,
  openLocalForward,
  openReverseForward,
  openSocksForward,
  pluginRegistry,
  type Connection,
  type Forward,
} from "@holdfast/remote";
import { afterEach, describe, expect, it, vi } from "vitest";
import { all, broken, echo, Service } from "./loopback.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});
const ANY = { host: "127.0.0.1", port: 0 };
const waitFor = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 10 });

async function open(): Promise<{ connection: Connection; service: Service; target: AddressInfo }> {
  const service = await Service.start(echo);
  const plugins = pluginRegistry([hostPlugin()]);
  const connection = await openConnection({
    plugins,
    destination: "host://localhost",
    id: "1",
    policy: "preset",
  });
  cleanUps.push(
    () => service.stop(),
    () => connection.close(),
  );
  return { connection, service, target: { address: "", family: "", port: service.port } };
}

function visit({ status }: Forward): Socket {
  const socket = connect({ ...(status.address as { host: string; port: number }), allowHalfOpen: true });
  socket.on("error", () => undefined);
  cleanUps.push(() => socket.destroy());
  return socket;
}

describe("a connection to this machine", () => {
  it("lets a process of the replaced link come to its end", async () => {
    const { connection } = await open();
    const machine = await connection.machine();
    const process = await machine.start({ command: ["sh", "-c", "read line; echo got $line; exit 3"] });
    await connection.reconnect();
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    expect(await connection.machine()).not.toBe(machine);
    process.stderr.resume();
    process.stdin.end("through\n");
    expect(String(await all(process.stdout as Socket))).toBe("got through\n");
    expect(await process.ended).toMatchObject({ code: 3 });
    // Then nothing holds the old link any more.
    await vi.waitFor(() => expect(machine.ping()).rejects.toMatchObject({ code: "not_connected" }));
  });

  it("ends what runs when it is closed", async () => {
    const { connection } = await open();
    const process = await (await connection.machine()).start({ command: ["sleep", "600"] });
    await connection.close();
    await expect(process.ended).rejects.toMatchObject({ code: "link_lost" });
  });

  it("forwards both ways and by SOCKS, over the new link while old streams go on", async () => {
    const { connection, target } = await open();
    const here = { host: "127.0.0.1", port: target.port };
    const local = await openLocalForward(connection, { listen: ANY, target: here });
    const reverse = openReverseForward(connection, { listen: ANY, target: here });
    const socks = await openSocksForward(connection, { listen: ANY });
    await waitFor(() => expect(reverse.status.state).toBe("listening"));
    const { address } = reverse.status;
    const olds = [local, reverse].map(visit);
    for (const old of olds) old.write("a");
    await waitFor(() => expect([local, reverse].map(({ status }) => status.connections)).toEqual([1, 1]));

    await connection.reconnect();
    await waitFor(() => expect(reverse.status).toMatchObject({ state: "listening", address }));
    const fresh = visit(local);
    fresh.end("new");
    expect(String(await all(fresh))).toBe("new");
    const named = [5, 1, 0, 3, 9, ...Buffer.from("localhost"), target.port >> 8, target.port & 255];
    const client = visit(socks);
    client.end(Buffer.from([5, 1, 0, ...named, ...Buffer.from("by name")]));
    expect(String((await all(client)).subarray(12))).toBe("by name");
    for (const old of olds) {
      old.end("b");
      expect(String(await all(old))).toBe("ab");
    }
  });

  it("breaks its forwards' streams when it is closed, and frees their ports", async () => {
    const { connection, target } = await open();
    const here = { host: "127.0.0.1", port: target.port };
    const local = await openLocalForward(connection, { listen: ANY, target: here });
    const reverse = openReverseForward(connection, { listen: ANY, target: here });
    await waitFor(() => expect(reverse.status.state).toBe("listening"));
    const sockets = [local, reverse].map(visit);
    for (const socket of sockets) socket.write("x");
    await waitFor(() => expect([local, reverse].map(({ status }) => status.connections)).toEqual([1, 1]));
    // A reset behind a byte that was not read yet would look like an end.
    await Promise.all(sockets.map((socket) => new Promise((read) => socket.once("data", read))));
    const saw = Promise.all(sockets.map(broken));
    await connection.close();
    expect(await saw).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(await Promise.all([local, reverse].map((it) => broken(visit(it))))).toEqual([
      "ECONNREFUSED",
      "ECONNREFUSED",
    ]);
  });
});
