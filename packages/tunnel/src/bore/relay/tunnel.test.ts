import { Duplex } from "node:stream";
import type { Socket } from "@holdfast/net/node";
import { expect, test } from "vitest";
import { RelayTunnel, type TunnelEnd } from "./tunnel.ts";

const ID = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/** A client whose control connection takes nothing. */
function deaf(maxUnreadBytes: number): { tunnel: RelayTunnel; socket: Duplex; ends: TunnelEnd[] } {
  const socket = new Duplex({ read: () => undefined, write: () => undefined });
  const ends: TunnelEnd[] = [];
  const tunnel = new RelayTunnel({
    port: 9_114,
    socket: socket as Socket,
    address: "192.0.2.1",
    since: 0,
    maxUnreadBytes,
    onEnd: (_, reason) => ends.push(reason),
  });
  tunnel.open();
  return { tunnel, socket, ends };
}

test("heartbeats do not pile up before a client that does not read", () => {
  const { tunnel, socket } = deaf(1_000);
  const before = socket.writableLength;
  for (let beat = 0; beat < 100; beat += 1) tunnel.beat();
  expect(socket.writableLength).toBe(before);
});

test("a client that leaves too much unread is lost, once", () => {
  const { tunnel, socket, ends } = deaf(1_000);
  for (let visitor = 0; visitor < 100; visitor += 1) tunnel.offer(ID);
  expect(ends).toEqual(["connection_lost"]);
  expect(socket.writableLength).toBeLessThan(1_200);
});
