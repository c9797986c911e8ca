// TLS over a socket that is connected, from the dialling side: 1.3 only, no early data, and the caller decides who the
// other end is.
import { isIP } from "node:net";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "@holdfast/core";
import type { ByteLinkTrust } from "../byte-link.ts";
import { systemClock } from "../host.ts";
import { guardSocket } from "./socket-care.ts";
import { aborted } from "./socket-failure.ts";
import { handshakeTimedOut, noPeer, tlsFailure } from "./tls-failure.ts";

/** The other end of a TLS connection whose handshake is done, but to which nothing has been said. */
export interface TlsPeer {
  /** Its own certificate, DER. */
  readonly certificateDer: Uint8Array;
  /** As dialled. */
  readonly host: string;
  readonly port: number;
  /** A certificate authority that is trusted here vouches for the name. */
  readonly authorized: boolean;
  /** Why not: an error of Node with a code. */
  readonly authorizationError?: unknown;
}

/** Who it is. */
export interface TlsVerdict {
  /** `name:<host>` or `pin:<fingerprint>`. */
  readonly relayIdentity: string;
  /** `false`: nobody has vouched for it. The link is not confidential then. */
  readonly verified: boolean;
}

/** Decide about the other end, or throw: a `HoldfastError` `identity_changed` for one that used to be somebody else. */
export type VerifyPeer = (peer: TlsPeer) => TlsVerdict | Promise<TlsVerdict>;

export interface SecureOptions {
  readonly verify: VerifyPeer;
  /** The name that the other end is asked for, and whose certificate is checked. Default: the host. */
  readonly servername?: string | undefined;
  /** Certificate authorities, PEM, instead of those that Node knows. */
  readonly ca?: string | readonly string[] | undefined;
}

export interface Securing extends SecureOptions {
  readonly host: string;
  readonly port: number;
  readonly alpn: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly clock?: Clock | undefined;
}

export interface SecureSocket {
  readonly socket: TLSSocket;
  readonly trust: ByteLinkTrust;
}

/** The label of the exporter; no context, which in TLS 1.3 is the same as an empty one (RFC 8446, 7.5). */
const EXPORTER_LABEL = "EXPORTER-Holdfast-session";
const EXPORTER_BYTES = 32;

/**
 * Shake hands. The socket is destroyed if that fails.
 * @throws HoldfastError `not_our_peer` for what is no TLS or speaks another protocol, `tls_failed`, what `verify`
 * throws, the signal's reason, …
 */
export async function secureSocket(raw: Socket, securing: Securing): Promise<SecureSocket> {
  try {
    const socket = await shakeHands(raw, securing);
    const { relayIdentity, verified } = await decide(socket, securing);
    if (securing.signal.aborted) throw aborted(securing.signal.reason);
    return { socket, trust: { confidential: verified, exporter: exporterOf(socket), relayIdentity } };
  } catch (error) {
    raw.destroy();
    throw error;
  }
}

/** Keying material that only the two ends of this connection know. */
export function exporterOf(socket: TLSSocket): Uint8Array {
  // No context is given. @types/node demands one, so it is an empty one, which is the same.
  return socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
}

async function shakeHands(raw: Socket, securing: Securing): Promise<TLSSocket> {
  const { connect } = await import("node:tls");
  const { host, port, signal, servername, ca } = securing;
  const endpoint = { host, port };
  if (signal.aborted) throw aborted(signal.reason);
  return new Promise((resolve, reject) => {
    const name = servername ?? host;
    const socket = connect({
      socket: raw,
      host: name,
      // An address must not be sent as a name.
      servername: isIP(name) === 0 ? name : "",
      ALPNProtocols: [securing.alpn],
      minVersion: "TLSv1.3",
      // Whoever verifies knows more than authorities do.
      rejectUnauthorized: false,
      ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
    });
    const timer = (securing.clock ?? systemClock).timer(() =>
      settle(() => reject(handshakeTimedOut(endpoint, securing.timeoutMs))),
    );
    const settle = (finish: () => void): void => {
      timer.clear();
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
      socket.removeListener("close", onClose);
      guardSocket(socket);
      finish();
    };
    const onAbort = (): void => settle(() => reject(aborted(signal.reason)));
    const onError = (error: unknown): void => settle(() => reject(tlsFailure(endpoint, error)));
    const onClose = (): void => settle(() => reject(tlsFailure(endpoint, undefined)));
    timer.set(securing.timeoutMs);
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("error", onError);
    socket.once("close", onClose);
    socket.once("secureConnect", () => settle(() => resolve(socket)));
  });
}

async function decide(socket: TLSSocket, securing: Securing): Promise<TlsVerdict> {
  const { host, port, alpn, signal } = securing;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw noPeer({ host, port }, "it showed no certificate");
  if (socket.alpnProtocol !== alpn) throw noPeer({ host, port }, `it does not speak ${alpn}`);
  const authorizationError: unknown = socket.authorized ? undefined : socket.authorizationError;
  const verdict = Promise.resolve(
    securing.verify({
      certificateDer: certificate.raw,
      host,
      port,
      authorized: socket.authorized,
      ...(authorizationError === undefined ? {} : { authorizationError }),
    }),
  );
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    verdict.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
