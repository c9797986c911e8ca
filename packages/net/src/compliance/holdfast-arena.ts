// Arenas for the transports of Holdfast's port: TLS and WebSockets.
import type { AcceptedByteLink, ByteLink } from "../byte-link.ts";
import type { MinimalWebSocket } from "../browser/websocket-bytes.ts";
import { webSocket as browserWebSocket } from "../browser/websocket.ts";
import type { WebSocketConstructor } from "../browser/websocket.ts";
import type { Dial } from "../link.ts";
import { SocketBytes } from "../node/byte-socket.ts";
import { listenHoldfast } from "../node/listen-holdfast.ts";
import type { SocketLink } from "../node/socket-link.ts";
import type { TlsIdentity } from "../node/tls-server.ts";
import { tls } from "../node/tls.ts";
import { WebSocketBytes } from "../node/websocket-bytes.ts";
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
    channelOf,
  );
}

/** The arena of the browser's transport, with another implementation of its WebSocket. */
export function browserArena(Socket: WebSocketConstructor): Promise<Arena<ByteLink>> {
  const sockets = new WeakMap<ByteLink, MinimalWebSocket>();
  const dialTo =
    (port: number): Dial<ByteLink, unknown> =>
    async (attempt) => {
      let made: MinimalWebSocket | undefined;
      // A constructor may return an object of its own.
      const Known = function (url: string, protocol: string): MinimalWebSocket {
        made = new Socket(url, protocol);
        return made;
      } as unknown as WebSocketConstructor;
      const link = await browserWebSocket({ url: `ws://${LOOPBACK}:${port}`, WebSocket: Known })(attempt);
      if (made !== undefined) sockets.set(link, made);
      return link;
    };
  return arenaAt(undefined, dialTo, (link) =>
    webSocketChannel(link, (listener) =>
      sockets.get(link)?.addEventListener("close", (event) => listener((event as { code: number }).code)),
    ),
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

function channelOf(link: ByteLink): ByteChannel {
  if (link instanceof SocketBytes) return socketChannel(link.socket);
  if (!(link instanceof WebSocketBytes)) throw new Error("a link of neither kind");
  return webSocketChannel(link, (listener) => void link.webSocket.once("close", listener));
}
