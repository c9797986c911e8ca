// Services of this machine that the far one can reach, and visitors of its ports.
import type { Duplex } from "node:stream";
import { listen, openSocket, type Socket } from "@holdfast/net/node";
import { demand, soon } from "./demands.ts";
import type { PluginArena } from "./plugin-arena.ts";

const HERE = "127.0.0.1";

export interface Service {
  readonly host: string;
  readonly port: number;
  /** Its ends of the connections, in the order in which they came. */
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

/** Listen on this machine, where the far one reaches it. */
export async function openService(arena: PluginArena, serve: (socket: Socket) => void): Promise<Service> {
  const host = arena.thisMachine ?? HERE;
  // At most what one case connects.
  const sockets: Socket[] = [];
  const listener = await listen({
    endpoint: { host, port: 0 },
    onConnection: (socket) => {
      sockets.push(socket);
      socket.resume();
      serve(socket);
    },
  });
  const { endpoint } = listener;
  demand("port" in endpoint, "a port");
  return {
    host,
    port: endpoint.port,
    sockets,
    close: async () => {
      await listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Sends back what comes, and ends when the other side has. */
export function echo(socket: Duplex): void {
  socket.on("error", () => undefined);
  socket.pipe(socket);
}

/** A port of this machine on which nobody listens. */
export async function freePort(arena: PluginArena): Promise<number> {
  const service = await openService(arena, () => undefined);
  await service.close();
  return service.port;
}

/** Connect to a port on which the far machine listens. */
export function visit(arena: PluginArena, port: number): Promise<Socket> {
  return soon(openSocket({ host: arena.farMachine ?? HERE, port }), "a visit to the far port");
}
