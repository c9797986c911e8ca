// The TCP transport: one dial, one socket, one link.
import type { Dial } from "../link.ts";
import { plainTrust } from "./link-trust.ts";
import type { OpenOptions } from "./open-socket.ts";
import { openSocket } from "./open-socket.ts";
import type { SocketLink, SocketLinkOptions } from "./socket-link.ts";
import { socketLink } from "./socket-link.ts";

export interface TcpOptions extends Omit<OpenOptions, "signal" | "timeoutMs">, SocketLinkOptions {
  readonly host: string;
  readonly port: number;
}

// The line has a deadline of its own for the whole handshake; this one is only for dials without a line.
const LONGEST_DIAL_MS = 120_000;

/** A dial that opens a TCP connection. Give it to `connect({ dial: tcp({ host, port }) })`. */
export function tcp(options: TcpOptions): Dial<SocketLink, unknown> {
  const endpoint = { host: options.host, port: options.port };
  return async (attempt) => {
    const socket = await openSocket(endpoint, {
      ...options,
      signal: attempt.signal,
      timeoutMs: LONGEST_DIAL_MS,
    });
    const trust = options.trust ?? plainTrust(socket, endpoint, options.proxy !== undefined);
    return socketLink(socket, endpoint, attempt, { ...options, trust });
  };
}
