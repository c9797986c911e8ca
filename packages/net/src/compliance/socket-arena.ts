// Arenas for transports over sockets: tcp, unix, and whatever else has a `net.Socket` underneath.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dial } from "../link.ts";
import type { Endpoint } from "../node/endpoint.ts";
import { listen } from "../node/listen.ts";
import type { SocketLink } from "../node/socket-link.ts";
import { tcp } from "../node/tcp.ts";
import { unix } from "../node/unix.ts";
import type { Arena } from "./arena.ts";
import { ClientSockets } from "./client-sockets.ts";
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

async function freedPort(): Promise<Endpoint> {
  const listener = await listen({ endpoint: { host: "127.0.0.1", port: 0 }, onConnection() {} });
  await listener.close();
  return listener.endpoint;
}

interface SilentPort {
  readonly port: number;
  close(): Promise<void>;
}

/** A listener that never accepts: its process is busy for ever, and its queue is full. */
async function silentPort(): Promise<SilentPort> {
  const child = spawn(process.execPath, ["--eval", BUSY_LISTENER], { stdio: ["ignore", "pipe", "ignore"] });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(String(text));
  const fillers: Socket[] = [];
  while (await connectsAtOnce(port, fillers)) {
    // The system queues a few connections more than were asked for.
  }
  return {
    port,
    async close() {
      for (const socket of fillers) socket.destroy();
      await stop(child);
    },
  };
}

const BUSY_LISTENER = `
  const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

async function connectsAtOnce(port: number, fillers: Socket[]): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" }).on("error", () => undefined);
  fillers.push(socket);
  const first = await Promise.race([once(socket, "connect").then(() => "connected"), sleep(200)]);
  return first !== undefined;
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
