// Arenas for transports over sockets: tcp, unix, and whatever else has a `net.Socket` underneath.
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Dial } from "../link.ts";
import type { Endpoint } from "../node/endpoint.ts";
import { listen } from "../node/listen.ts";
import type { SocketLink } from "../node/socket-link.ts";
import { tcp } from "../node/tcp.ts";
import { unix } from "../node/unix.ts";
import type { Arena } from "./arena.ts";
import { ClientSockets } from "./client-sockets.ts";
import { freedPort, silentPort } from "./other-ports.ts";
import type { SilentPort } from "./other-ports.ts";
import { socketChannel } from "./socket-channel.ts";

/** The arena of the TCP transport, on loopback. */
export async function tcpArena(): Promise<Arena<SocketLink>> {
  const place = await peerAt({ host: "127.0.0.1", port: 0 });
  const silent: SilentPort[] = [];
  const dialTo = (endpoint: Endpoint): Dial<SocketLink, unknown> =>
    tcp(endpoint as { host: string; port: number });
  return {
    ...place.arena,
    dial: dialTo(place.endpoint),
    refused: dialTo(await freedPort()),
    silent: async () => {
      const listener = await silentPort();
      silent.push(listener);
      return dialTo({ host: "127.0.0.1", port: listener.port });
    },
    close: async () => {
      await place.close();
      for (const listener of silent) await listener.close();
    },
  };
}

/** The arena of the transport over unix sockets, in a folder of its own. */
export async function unixArena(): Promise<Arena<SocketLink>> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-compliance-"));
  const path = join(folder, "peer");
  const place = await peerAt({ path });
  return {
    ...place.arena,
    dial: unix({ path }),
    refused: unix({ path: join(folder, "nobody") }),
    close: async () => {
      await place.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly endpoint: Endpoint;
  readonly arena: Pick<Arena<SocketLink>, "accept" | "channel" | "openHandles">;
  close(): Promise<void>;
}

async function peerAt(endpoint: Endpoint): Promise<Place> {
  const accepted: Socket[] = [];
  const all: Socket[] = [];
  const clients = new ClientSockets();
  const waiting: ((socket: Socket) => void)[] = [];
  const listener = await listen({
    endpoint,
    onConnection(socket) {
      all.push(socket);
      const waiter = waiting.shift();
      if (waiter === undefined) accepted.push(socket);
      else waiter(socket);
    },
  });
  const next = (): Promise<Socket> => {
    const socket = accepted.shift();
    return socket === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(socket);
  };
  return {
    endpoint: listener.endpoint,
    arena: {
      accept: async () => socketChannel(await next()),
      channel: (link) => socketChannel(link.socket),
      openHandles: () => clients.open,
    },
    async close() {
      await listener.close();
      for (const socket of all) socket.destroy();
      clients.stop();
    },
  };
}
