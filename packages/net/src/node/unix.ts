// The transport of unix sockets, for programs on one machine.
import type { Dial } from "../link.ts";
import { openSocket } from "./open-socket.ts";
import type { SocketLink, SocketLinkOptions } from "./socket-link.ts";
import { socketLink } from "./socket-link.ts";

export interface UnixOptions extends SocketLinkOptions {
  /** At most 107 bytes on Linux, 103 elsewhere. */
  readonly path: string;
}

/** A dial that connects to a unix socket. */
export function unix(options: UnixOptions): Dial<SocketLink, unknown> {
  const endpoint = { path: options.path };
  return async (attempt) => {
    const socket = await openSocket(endpoint, { signal: attempt.signal });
    return socketLink(socket, endpoint, attempt, options);
  };
}
