// A socket as the link of a line: it reports what is heard, that it was lost, and whose doing that was.
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { HoldfastError } from "@holdfast/core";
import type { Attempt, Link } from "../link.ts";
import type { Endpoint } from "./endpoint.ts";
import { formatEndpoint } from "./endpoint.ts";
import { linkFailure } from "./socket-failure.ts";

/** A link that is a socket. The application reads and writes the socket itself. */
export interface SocketLink extends Link {
  readonly socket: Socket;
  /** How many of the bytes written so far the system has taken. A session reports it as progress. */
  readonly movedBytes: number;
}

export interface SocketLinkOptions {
  /**
   * Report written bytes that the system does not take as unacknowledged, so that a link on which nothing moves
   * is given up even if the peer still sends. Only for peers that always read: one that takes its time looks the
   * same. Default `false`.
   */
  readonly reportProgress?: boolean;
}

/** Wrap a connected socket. The link is lost when the peer ends or resets it, or the network breaks it. */
export function socketLink(
  socket: Socket,
  endpoint: Endpoint,
  attempt: Attempt,
  options: SocketLinkOptions = {},
): SocketLink {
  let live = true;
  const movedBytes = (): number => socket.bytesWritten - socket.writableLength;
  const lost = (cause: HoldfastError | undefined): void => {
    if (!live) return;
    live = false;
    attempt.lost(cause);
  };
  listenForBytes(socket, () => {
    if (live) attempt.heard();
  });
  socket.once("end", () => lost(undefined));
  socket.once("error", (error) => lost(linkFailure(endpoint, error)));
  socket.once("close", () => lost(closedHere(endpoint)));
  if (options.reportProgress === true) {
    watchWrites(socket, () => {
      if (live) attempt.progress(socket.writableLength, movedBytes());
    });
  }
  // It may have ended between the connect and now, when nobody listened.
  if (socket.readableEnded || socket.destroyed) {
    const cause = socket.errored ? linkFailure(endpoint, socket.errored) : undefined;
    queueMicrotask(() => lost(socket.readableEnded ? undefined : (cause ?? closedHere(endpoint))));
  }
  return {
    socket,
    localAddress: interfaceAddress(socket.localAddress),
    get movedBytes() {
      return movedBytes();
    },
    close() {
      live = false;
      socket.destroy();
    },
  };
}

/** As the system lists it for an interface; none for loopback, which never leaves a machine. */
function interfaceAddress(address: string | undefined): string | undefined {
  const plain = address?.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/, "");
  return plain === undefined || plain === "::1" || plain.startsWith("127.") ? undefined : plain;
}

/** Somebody on this side destroyed the socket without asking the link. */
function closedHere(endpoint: Endpoint): HoldfastError {
  const message = `the connection to ${formatEndpoint(endpoint)} was closed on this side`;
  return new HoldfastError({ code: "connection_cut", message, fault: "local" });
}

/** As `socket.on("data")`, but without starting the flow: whether and when to read is the application's choice. */
function listenForBytes(socket: Socket, listener: () => void): void {
  EventEmitter.prototype.on.call(socket, "data", listener);
}

/** Call `moved` after each write, and whenever the system has taken one. */
function watchWrites(socket: Socket, moved: () => void): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  const watched = (chunk: unknown, ...rest: unknown[]): boolean => {
    const callback = rest.find((argument) => typeof argument === "function") as
      | ((error?: Error | null) => void)
      | undefined;
    const others = rest.filter((argument) => typeof argument !== "function");
    const flushed = write(chunk, ...others, (error?: Error | null) => {
      moved();
      callback?.(error);
    });
    moved();
    return flushed;
  };
  socket.write = watched as typeof socket.write;
}
