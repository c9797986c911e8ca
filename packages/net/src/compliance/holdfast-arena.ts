// Arenas for the transports of Holdfast's port: TLS and WebSockets.
import type { AcceptedByteLink, ByteLink } from "../byte-link.ts";
import type { Dial } from "../link.ts";
import { SocketBytes } from "../node/byte-socket.ts";
import { listenHoldfast } from "../node/listen-holdfast.ts";
import type { SocketLink } from "../node/socket-link.ts";
import type { TlsIdentity } from "../node/tls-server.ts";
import { tls } from "../node/tls.ts";
import { webSocket } from "../node/websocket.ts";
import type { Arena, ByteChannel } from "./arena.ts";
import { ClientSockets } from "./client-sockets.ts";
import { freedPort, silentPort } from "./other-ports.ts";
import type { SilentPort } from "./other-ports.ts";
import { socketChannel } from "./socket-channel.ts";
import { webSocketChannel } from "./web-socket-channel.ts";

const LOOPBACK = "127.0.0.1";
const verify = (): { relayIdentity: string; verified: boolean } => ({
  relayIdentity: `name:${LOOPBACK}`,
  verified: true,
});

/** The arena of the TLS transport, on loopback. The certificate is not checked. */
export function tlsArena(identity: TlsIdentity): Promise<Arena<SocketLink>> {
  return arenaAt(
    identity,
    (port) => tls({ host: LOOPBACK, port, verify }),
    (link) => socketChannel(link.socket),
  );
}

/** The arena of the WebSocket transport, on loopback: inside TLS if there is an identity. */
export function webSocketArena(identity?: TlsIdentity): Promise<Arena<ByteLink>> {
  const scheme = identity === undefined ? "ws" : "wss";
  return arenaAt(
    identity,
    (port) => webSocket({ url: `${scheme}://${LOOPBACK}:${port}`, verify }),
    webSocketChannel,
  );
}

async function arenaAt<L extends ByteLink>(
  identity: TlsIdentity | undefined,
  dialTo: (port: number) => Dial<L, unknown>,
  channel: (link: L) => ByteChannel,
): Promise<Arena<L>> {
  const accepted: AcceptedByteLink[] = [];
  const all: AcceptedByteLink[] = [];
  const waiting: ((link: AcceptedByteLink) => void)[] = [];
  const silent: SilentPort[] = [];
  const clients = new ClientSockets();
  const listener = await listenHoldfast({
    endpoint: { host: LOOPBACK, port: 0 },
    tls: identity,
    onLink(link) {
      all.push(link);
      const waiter = waiting.shift();
      if (waiter === undefined) accepted.push(link);
      else waiter(link);
    },
  });
  const next = (): Promise<AcceptedByteLink> => {
    const link = accepted.shift();
    return link === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(link);
  };
  return {
    dial: dialTo((listener.endpoint as { port: number }).port),
    refused: dialTo((await freedPort()).port),
    silent: async () => {
      const port = await silentPort();
      silent.push(port);
      return dialTo(port.port);
    },
    accept: async () => channelOf(await next()),
    channel,
    openHandles: () => clients.open,
    async close() {
      await listener.close();
      for (const link of all) link.close();
      for (const port of silent) await port.close();
      clients.stop();
    },
  };
}

function channelOf(link: AcceptedByteLink): ByteChannel {
  return link instanceof SocketBytes ? socketChannel(link.socket) : webSocketChannel(link);
}
