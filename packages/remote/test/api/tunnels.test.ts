// Tunnels by lines: connections from the machine, and ports on it.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { hostClient, PATIENCE, type Client } from "./client.ts";

let client: Client;

beforeEach(async () => {
  ({ client } = await hostClient(tmpdir()));
});

const bytes = (text: string): number[] => [...Buffer.from(text)];
const textOf = (of: number, from: Client = client): string => {
  const pieces = from.said("tunnel_data").filter(({ id }) => id === of);
  return Buffer.concat(pieces.map(({ data }) => Buffer.from(data))).toString();
};

async function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe("a tunnel by lines", () => {
  it("carries bytes both ways, and is closed once", async () => {
    const port = await serve((socket) => socket.pipe(socket));
    const { id } = await client.get("tunnel_opened", { type: "tunnel_open", host: "127.0.0.1", port });
    expect(await client.ask({ type: "status" })).toEqual({
      type: "status_info",
      tunnels: [{ id, direction: "forward", host: "127.0.0.1", port }],
    });
    await client.get("ok", { type: "tunnel_write", id, data: bytes("there and ") });
    await client.get("ok", { type: "tunnel_write", id, data: bytes("back"), end: true });
    await client.next("tunnel_closed");
    expect(textOf(id)).toBe("there and back");
    expect(client.said("tunnel_closed")).toEqual([{ type: "tunnel_closed", id }]);
    expect(await client.ask({ type: "tunnel_write", id, data: [1] })).toMatchObject({ kind: "not_found" });
    expect(await client.ask({ type: "status" })).toEqual({ type: "status_info", tunnels: [] });
  });

  it("passes on what was written before it is closed", async () => {
    let got = "";
    let ended = false;
    const port = await serve((socket) =>
      socket.on("data", (piece) => (got += piece)).on("end", () => (ended = true)),
    );
    const { id } = await client.get("tunnel_opened", { type: "tunnel_open", host: "127.0.0.1", port });
    client.send({ type: "tunnel_write", id, data: bytes("all of it") });
    await client.get("ok", { type: "tunnel_close", id });
    await vi.waitFor(() => expect({ got, ended }).toEqual({ got: "all of it", ended: true }), PATIENCE);
    expect(client.said("tunnel_closed")).toEqual([{ type: "tunnel_closed", id }]);
    expect(await client.ask({ type: "tunnel_close", id })).toMatchObject({ kind: "not_found" });
  });

  it("that is reset says why", async () => {
    const port = await serve((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const { id } = await client.get("tunnel_opened", { type: "tunnel_open", host: "127.0.0.1", port });
    client.send({ type: "tunnel_write", id, data: [1] });
    expect(await client.next("tunnel_closed")).toMatchObject({ id, error: { kind: "connection_reset" } });
  });

  it("that nobody takes is refused", async () => {
    const port = await serve(() => undefined);
    const { client: small } = await hostClient(tmpdir(), { limits: { tunnels: 1 } });
    await small.get("tunnel_opened", { type: "tunnel_open", host: "127.0.0.1", port });
    expect(await small.ask({ type: "tunnel_open", host: "127.0.0.1", port })).toMatchObject({
      kind: "would_block",
    });
    expect(await client.ask({ type: "tunnel_open", host: "127.0.0.1", port: 1 })).toMatchObject({
      kind: "connection_refused",
    });
    expect(await client.ask({ type: "tunnel_open", host: "127.0.0.1", port: 0 })).toMatchObject({
      kind: "invalid_input",
    });
  });
});

describe("a port by lines", () => {
  const listen = async (): Promise<{ readonly id: number; readonly port: number }> =>
    client.get("tunnel_listening", { type: "tunnel_listen", host: "127.0.0.1", port: 0 });

  it("hands over who comes, and takes them with it when it is closed", async () => {
    const { id, port } = await listen();
    const visitor = connect(port, "127.0.0.1").on("error", () => undefined);
    visitor.write("hello");
    const incoming = await client.next("tunnel_incoming");
    expect(incoming).toEqual({
      type: "tunnel_incoming",
      listener_id: id,
      tunnel_id: incoming.tunnel_id,
      peer_addr: `127.0.0.1:${visitor.localPort}`,
    });
    await vi.waitFor(() => expect(textOf(incoming.tunnel_id)).toBe("hello"), PATIENCE);
    const answer = once(visitor, "data");
    await client.get("ok", { type: "tunnel_write", id: incoming.tunnel_id, data: bytes("welcome") });
    expect(String((await answer)[0])).toBe("welcome");
    expect(await client.ask({ type: "status" })).toMatchObject({
      tunnels: [
        { id, direction: "reverse", port },
        { id: incoming.tunnel_id, direction: "reverse", port },
      ],
    });
    const gone = once(visitor, "close");
    await client.get("ok", { type: "tunnel_close", id });
    await gone;
    expect(client.said("tunnel_closed").map((one) => one.id)).toEqual([incoming.tunnel_id, id]);
    const refused = once(connect(port, "127.0.0.1"), "error");
    expect((await refused)[0]).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("is listened on again after a new link, under its id and number", async () => {
    const { id, port } = await listen();
    client.api.relinked();
    client.api.relinked();
    await vi.waitFor(async () => {
      const visitor = connect(port, "127.0.0.1");
      onTestFinished(() => void visitor.destroy());
      await once(visitor, "connect");
      expect(client.said("tunnel_incoming").some(({ listener_id }) => listener_id === id)).toBe(true);
    }, PATIENCE);
    expect(client.said("tunnel_closed")).toEqual([]);
  });

  it("finds room only below the limit, and only where nobody is", async () => {
    const { client: small } = await hostClient(tmpdir(), { limits: { listeners: 1 } });
    const { port } = await small.get("tunnel_listening", {
      type: "tunnel_listen",
      host: "127.0.0.1",
      port: 0,
    });
    expect(await small.ask({ type: "tunnel_listen", host: "127.0.0.1", port: 0 })).toMatchObject({
      kind: "would_block",
    });
    expect(await client.ask({ type: "tunnel_listen", host: "127.0.0.1", port })).toMatchObject({
      kind: "addr_in_use",
    });
  });

  it("and every tunnel is closed at the end of all input", async () => {
    const { id } = await listen();
    await client.api.finish();
    expect(client.said("tunnel_closed")).toEqual([{ type: "tunnel_closed", id }]);
  });
});
