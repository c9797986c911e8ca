// Every example is run: connected, cut by the other side, connected again with the next epoch.
import { createHash, randomBytes } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { readFileSync } from "node:fs";
import type { Line } from "@holdfast/net";
import { startFaultyProxy } from "@holdfast/net/testing";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { keepConnected as overSocket } from "./plain-socket.ts";
import { openStream, serveEcho } from "./session.ts";
import { keepConnected as overWebSocket } from "./websocket.ts";
import { keepConnected as overPipe, type Pipe } from "./without-node-types/line.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Connected, cut, and connected again. */
async function comesBack(line: Line, cut: () => void): Promise<void> {
  closers.push(() => line.close());
  await line.ready();
  expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
  cut();
  for await (const status of line.changes()) if (status.epoch === 2) break;
  expect(line.status).toMatchObject({ state: "connected", epoch: 2, failure: { code: "closed_by_peer" } });
}

describe("examples", () => {
  it("plain-socket", async () => {
    const open = new Set<Socket>();
    const server = createServer((socket) => open.add(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => server.close());
    await comesBack(overSocket((server.address() as AddressInfo).port), () => {
      for (const socket of open) socket.end();
    });
  });

  it("plain-socket, with a server that is late", async () => {
    const early = createServer();
    await new Promise<void>((resolve) => early.listen(0, "127.0.0.1", resolve));
    const { port } = early.address() as AddressInfo;
    await new Promise((resolve) => early.close(resolve));
    const line = overSocket(port);
    closers.push(() => line.close());
    for await (const { failures } of line.changes()) if (failures > 0) break;
    const late = createServer((socket) => socket.on("error", () => undefined));
    await new Promise<void>((resolve) => late.listen(port, "127.0.0.1", resolve));
    closers.push(() => late.close());
    await line.ready();
    expect(line.status).toMatchObject({ state: "connected", epoch: 1 });
  });

  it("websocket", async () => {
    const http = createHttpServer();
    const server = new WebSocketServer({ server: http });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    closers.push(() => http.close());
    await comesBack(overWebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`), () => {
      for (const client of server.clients) client.close();
    });
  });

  it("session: a stream goes on over links that are cut", async () => {
    const listener = await serveEcho();
    closers.push(() => listener.close());
    const proxy = await startFaultyProxy({ target: listener.endpoint });
    closers.push(() => proxy.close());
    const sent = randomBytes(8_000_000);
    const answer = createHash("sha256");
    let cuts = 0;
    const { port } = proxy.endpoint as { port: number };
    const whole = new Promise<void>((resolve, reject) => {
      const line = openStream(port, (duplex) => {
        let count = 0;
        duplex.on("data", (chunk: Buffer) => {
          answer.update(chunk);
          count += chunk.length;
          if (count < (cuts + 1) * 2_000_000 || cuts === 3) return;
          cuts += 1;
          void proxy.cut();
        });
        duplex.on("end", resolve).on("error", reject);
        duplex.end(sent);
      });
      closers.push(() => line.close());
    });
    await whole;
    expect(cuts).toBe(3);
    expect(answer.digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
  });

  it("without-node-types", async () => {
    const pipes: Pipe[] = [];
    const open = async (): Promise<Pipe> => {
      const pipe: Pipe = { onByte: () => undefined, onEnd: () => undefined, close: () => undefined };
      pipes.push(pipe);
      return pipe;
    };
    await comesBack(overPipe(open), () => pipes.at(-1)?.onEnd());
  });

  it.each(["plain-socket", "session"])("the README shows %s as it is", (name) => {
    const example = readFileSync(`examples/${name}.ts`, "utf8").split("\n").slice(1).join("\n").trim();
    expect(readFileSync("README.md", "utf8")).toContain(example);
  });
});
