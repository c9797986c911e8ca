// The TLS transport: one dial, one socket, one handshake, one link of bytes.
import type { Dial } from "../link.ts";
import type { OpenOptions } from "./open-socket.ts";
import { LONGEST_DIAL_MS, openSocket } from "./open-socket.ts";
import type { SecureOptions } from "./secure-socket.ts";
import { secureSocket } from "./secure-socket.ts";
import type { SocketLink, SocketLinkOptions } from "./socket-link.ts";
import { socketLink } from "./socket-link.ts";

/** What is spoken inside, said in the handshake (ALPN). */
export const HOLDFAST_ALPN: string = "holdfast/1";

export interface TlsOptions
  extends Omit<OpenOptions, "signal" | "timeoutMs">, Omit<SocketLinkOptions, "trust">, SecureOptions {
  readonly host: string;
  readonly port: number;
}

/**
 * A dial that opens a TLS 1.3 connection with ALPN `holdfast/1`. Besides what `openSocket` throws it rejects with
 * `not_our_peer` (a captive portal, a web server), `tls_failed`, `connection_reset`, and what `verify` throws.
 */
export function tls(options: TlsOptions): Dial<SocketLink, unknown> {
  const endpoint = { host: options.host, port: options.port };
  return async (attempt) => {
    const { signal } = attempt;
    const raw = await openSocket(endpoint, { ...options, signal, timeoutMs: LONGEST_DIAL_MS });
    const securing = { ...options, alpn: HOLDFAST_ALPN, signal, timeoutMs: LONGEST_DIAL_MS };
    const { socket, trust } = await secureSocket(raw, securing);
    return socketLink(socket, endpoint, attempt, { ...options, trust });
  };
}
