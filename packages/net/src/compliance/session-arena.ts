// What the suite of sessions needs of a transport: links of bytes to a peer, and a way to break them.
import type { AcceptedByteLink, ByteLink } from "../byte-link.ts";
import type { Attempt } from "../link.ts";
import { socketBytes } from "../node/byte-socket.ts";
import { listen } from "../node/listen.ts";
import { openSocket } from "../node/open-socket.ts";
import { resetSocket } from "../node/socket-care.ts";
import type { Socket } from "../node/socket-care.ts";
import type { Endpoint } from "../node/endpoint.ts";
import { memoryBytes } from "./memory-bytes.ts";

/** A transport with a peer. Made anew for each case. */
export interface SessionArena {
  /** Connects to the peer. */
  readonly dial: (attempt: Attempt) => Promise<ByteLink>;
  /** Who takes the peer's ends. Called once, before the first dial. */
  listen(take: (link: AcceptedByteLink) => void): void;
  /** Break all links that are up, as a network does: what is on the way is lost. */
  cut(): void;
  close(): Promise<void>;
}

/** The arena of links within the process. */
export function memorySessionArena(): Promise<SessionArena> {
  let take: (link: AcceptedByteLink) => void = () => undefined;
  let cuts: (() => void)[] = [];
  return Promise.resolve({
    dial: (attempt) => {
      const link = memoryBytes(attempt);
      cuts.push(() => link.cut());
      take(link.far);
      return Promise.resolve(link.near);
    },
    listen: (taker) => void (take = taker),
    cut() {
      for (const cut of cuts) cut();
      cuts = [];
    },
    close: () => Promise.resolve(),
  });
}

/** How a socket becomes the dialling side's link. */
export type DialSocket = (endpoint: Endpoint, attempt: Attempt) => Promise<ByteLink>;

/** The arena of a transport over sockets. Default: plain ones, as they are. */
export async function socketSessionArena(
  endpoint: Endpoint = { host: "127.0.0.1", port: 0 },
  dial: DialSocket = dialPlainly,
): Promise<SessionArena> {
  let take: (link: AcceptedByteLink) => void = () => undefined;
  const sockets = new Set<Socket>();
  const listener = await listen({
    endpoint,
    onConnection(socket) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      take(socketBytes(socket));
    },
  });
  const cut = (): void => {
    for (const socket of sockets) resetSocket(socket);
  };
  return {
    dial: (attempt) => dial(listener.endpoint, attempt),
    listen: (taker) => void (take = taker),
    cut,
    async close() {
      await listener.close();
      cut();
    },
  };
}

async function dialPlainly(endpoint: Endpoint, attempt: Attempt): Promise<ByteLink> {
  const link = socketBytes(await openSocket(endpoint, { signal: attempt.signal }));
  link.onEnd((cause) => attempt.lost(cause));
  return link;
}
