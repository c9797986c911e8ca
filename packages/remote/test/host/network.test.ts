// Connections of a link to this machine when the link ends: nobody takes them for complete.
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, expect, it } from "vitest";
import { until } from "../../src/compliance/demands.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import { broken, Service } from "../forward/loopback.ts";
import { countHandles, dialHost } from "./arena.ts";

let machine: Machine | undefined;
afterEach(() => machine?.close());

const lost = (stream: Duplex): Promise<unknown> =>
  new Promise((resolve) => {
    stream.on("error", resolve);
    stream.once("close", () => resolve(stream.errored));
  });

it("both ends of each are told: a reset there, the reason here", async () => {
  const before = countHandles();
  machine = await dialHost();
  const service = await Service.start((socket) => void socket.pause());
  const out = await machine.connectTcp("127.0.0.1", service.port);
  const came: Duplex[] = [];
  const { port } = await machine.listenTcp("127.0.0.1", 0, (stream) => void came.push(stream));
  const visitor = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await until(() => came.length === 1 && service.sockets.length === 1, "both connections");
  const [served, met] = [service.sockets[0] as Socket, came[0] as Duplex];
  const ends = [broken(served), broken(visitor), lost(out), lost(met)];
  machine.close();
  const link = expect.objectContaining({ code: "link_lost" }) as unknown;
  expect(await Promise.all(ends)).toEqual(["ECONNRESET", "ECONNRESET", link, link]);
  service.stop();
  await until(() => countHandles() <= before, "the end of all handles");
});

it("one that has ended orderly before is not broken by the end of the link", async () => {
  machine = await dialHost();
  const service = await Service.start((socket) => void socket.pipe(socket));
  const out = await machine.connectTcp("127.0.0.1", service.port);
  let text = "";
  out.on("data", (piece: Buffer) => void (text += piece.toString()));
  out.end("whole");
  await until(() => out.closed, "its end");
  machine.close();
  expect(text).toBe("whole");
  expect(out.errored).toBeNull();
  expect(service.sockets[0]?.errored).toBeNull();
  service.stop();
});

it("what came to nothing has given its place back", async () => {
  machine = await dialHost({ limits: { connections: 1, listeners: 1 } });
  const taken = await Service.start(() => undefined);
  const busy = { host: "127.0.0.1", port: taken.port };
  for (let tries = 0; tries < 3; tries++) {
    const refused = machine.listenTcp(busy.host, busy.port, () => undefined);
    await expect(refused).rejects.toMatchObject({ code: "address_in_use" });
  }
  await (await machine.listenTcp("127.0.0.1", 0, () => undefined)).close();
  taken.stop();
  for (let tries = 0; tries < 3; tries++) {
    await expect(machine.connectTcp(busy.host, busy.port)).rejects.toMatchObject({
      code: "connection_refused",
    });
  }
  const again = await Service.start(() => undefined);
  (await machine.connectTcp("127.0.0.1", again.port)).destroy();
  again.stop();
});
