// The TCP transport: one dial, one socket, one link.
import type { Dial } from "../link.ts";
import { plainTrust } from "./link-trust.ts";
import type { OpenOptions } from "./open-socket.ts";
import { LONGEST_DIAL_MS, openSocket } from "./open-socket.ts";
import type { SocketLink, SocketLinkOptions } from "./socket-link.ts";
import { socketLink } from "./socket-link.ts";

export interface TcpOptions extends Omit<OpenOptions, "signal" | "timeoutMs">, SocketLinkOptions {
  readonly host: string;
  readonly port: number;
}

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
