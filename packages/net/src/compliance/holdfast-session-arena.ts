// The arenas of sessions over Holdfast's port: TLS, WebSockets, and what begins plainly.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { AcceptedByteLink, ByteLink } from "../byte-link.ts";
import type { Dial } from "../link.ts";
import { listenHoldfast } from "../node/listen-holdfast.ts";
import type { Arrival } from "../node/listen-holdfast.ts";
import { resetSocket } from "../node/socket-care.ts";
import type { Socket } from "../node/socket-care.ts";
import { tcp } from "../node/tcp.ts";
import type { TlsIdentity } from "../node/tls-server.ts";
import { tls } from "../node/tls.ts";
import { webSocket } from "../node/websocket.ts";
import type { SessionArena } from "./session-arena.ts";

const CHANNEL = "net.server.socket";
const LOOPBACK = "127.0.0.1";

/** The arena of one way to come in, on loopback. The certificate is not checked. */
export async function holdfastSessionArena(how: Arrival, identity: TlsIdentity): Promise<SessionArena> {
  let take: (link: AcceptedByteLink) => void = () => undefined;
  const sockets = new Set<Socket>();
  let port = 0;
  const onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort !== port) return;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  subscribe(CHANNEL, onSocket);
  const listener = await listenHoldfast({
    endpoint: { host: LOOPBACK, port: 0 },
    tls: identity,
    onLink: (link) => take(link),
  });
  port = (listener.endpoint as { port: number }).port;
  const cut = (): void => {
    for (const socket of sockets) resetSocket(socket);
  };
  return {
    dial: dialTo(how, port),
    listen: (taker) => void (take = taker),
    cut,
    async close() {
      await listener.close();
      cut();
      unsubscribe(CHANNEL, onSocket);
    },
  };
}

function dialTo(how: Arrival, port: number): Dial<ByteLink> {
  const verify = (): { relayIdentity: string; verified: boolean } => ({
    relayIdentity: `name:${LOOPBACK}`,
    verified: true,
  });
  switch (how) {
    case "tls":
      return tls({ host: LOOPBACK, port, verify });
    case "plain":
      return tcp({ host: LOOPBACK, port });
    case "wss":
    case "ws":
      return webSocket({ url: `${how}://${LOOPBACK}:${port}`, verify });
  }
}
