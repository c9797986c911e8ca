// The TLS side of Holdfast's port: connections are given to it, it does not listen.
import type { SecureContextOptions, Server, TLSSocket } from "node:tls";
import { HoldfastError } from "@holdfast/core";
import { HOLDFAST_ALPN } from "./tls.ts";

/** A key and the certificates that go with it, PEM. */
export interface TlsIdentity {
  readonly key: string | Uint8Array;
  /** The own certificate first, then those of the authorities in between. */
  readonly cert: string | Uint8Array;
}

/** The longest handshake. The connections are counted and timed by whoever hands them in, too. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * TLS 1.3 with ALPN `holdfast/1` and `http/1.1`. Handshakes that fail just close their connection.
 * @throws HoldfastError `bad_certificate` (fatal) for what is no key and certificate, or not a pair.
 */
export async function createTlsServer(
  identity: TlsIdentity,
  onSecure: (socket: TLSSocket) => void,
): Promise<Server> {
  const { createServer } = await import("node:tls");
  const create = (): Server =>
    createServer({
      ...contextOf(identity),
      ALPNProtocols: [HOLDFAST_ALPN, "http/1.1"],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      allowHalfOpen: true,
    });
  const server = orBadCertificate(create);
  server.on("secureConnection", onSecure);
  server.on("tlsClientError", (_, socket) => socket.destroy());
  return server;
}

/**
 * Use another one from now on.
 * @throws HoldfastError `bad_certificate` (fatal); the old one stays in use.
 */
export function setTlsIdentity(server: Server, identity: TlsIdentity): void {
  orBadCertificate(() => server.setSecureContext(contextOf(identity)));
}

function contextOf({ key, cert }: TlsIdentity): SecureContextOptions {
  return { key: pem(key), cert: pem(cert), minVersion: "TLSv1.3" };
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === "string" ? text : Buffer.from(text);
}

function orBadCertificate<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError({
      code: "bad_certificate",
      message: `the key and certificate cannot be used: ${why}`,
      hint: "both have to be PEM, and the key has to be that of the first certificate",
      kind: "fatal",
      fault: "local",
      cause,
    });
  }
}
