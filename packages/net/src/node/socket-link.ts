// A socket as the link of a line: it reports what is heard, that it was lost, and whose doing that was.
import type { Socket } from "node:net";
import type { ByteLink, ByteLinkTrust } from "../byte-link.ts";
import type { Attempt } from "../link.ts";
import { SocketBytes } from "./byte-socket.ts";
import type { Endpoint } from "./endpoint.ts";

/** A link that is a socket. The application reads and writes either the socket itself, or the link's bytes. */
export interface SocketLink extends ByteLink {
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
  /** Default: what can be said of a plain socket: confidential if it does not leave this machine. */
  readonly trust?: ByteLinkTrust;
}

/** Wrap a connected socket. The link is lost when the peer ends or resets it, or the network breaks it. */
export function socketLink(
  socket: Socket,
  endpoint: Endpoint,
  attempt: Attempt,
  options: SocketLinkOptions = {},
): SocketLink {
  return new DialledSocket(socket, endpoint, attempt, options);
}

class DialledSocket extends SocketBytes implements SocketLink {
  constructor(socket: Socket, endpoint: Endpoint, attempt: Attempt, options: SocketLinkOptions) {
    let live = true;
    const lost = (cause: unknown): void => {
      live = false;
      attempt.lost(cause);
    };
    super(socket, endpoint, { heard: attempt.heard, lost }, options);
    if (options.reportProgress !== true) return;
    watchWrites(socket, () => {
      if (live && !socket.destroyed) attempt.progress(socket.writableLength, this.movedBytes);
    });
  }

  get movedBytes(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }
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
