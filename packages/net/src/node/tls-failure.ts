// Why a TLS handshake failed: what answers is no relay, or the network broke it.
import { HoldfastError } from "@holdfast/core";
import type { Endpoint } from "./endpoint.ts";
import { formatEndpoint, printable } from "./endpoint.ts";
import { dialFailure } from "./socket-failure.ts";

/** What OpenSSL says when the answer is no TLS (a captive portal's page, say), or no TLS of ours. */
const STRANGER =
  /WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|PACKET_LENGTH_TOO_LONG|RECORD_LAYER|UNSUPPORTED_PROTOCOL|ALERT_PROTOCOL_VERSION|NO_APPLICATION_PROTOCOL|ALERT_HANDSHAKE_FAILURE|UNRECOGNIZED_NAME|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE|TLSV1_UNRECOGNIZED/;

/** `undefined`: the connection was closed before the handshake was done. */
export function tlsFailure(endpoint: Endpoint, thrown: unknown): HoldfastError {
  const where = formatEndpoint(endpoint);
  const code = (thrown as { code?: unknown } | undefined)?.code;
  if (typeof code === "string" && code.startsWith("ERR_SSL_")) {
    const reason = (thrown as { reason?: unknown }).reason;
    const said = printable(
      typeof reason === "string" ? reason : code.slice(8).toLowerCase().replaceAll("_", " "),
    );
    if (STRANGER.test(code)) return noPeer(endpoint, `TLS 1.3 failed: ${said}`, thrown);
    const message = `the TLS handshake with ${where} failed: ${said}`;
    return new HoldfastError({ code: "tls_failed", message, fault: "peer", cause: thrown });
  }
  if (thrown !== undefined && code !== "ECONNRESET") return dialFailure(endpoint, thrown);
  return new HoldfastError({
    code: "connection_reset",
    message: `${where} ended the connection in the middle of the TLS handshake`,
    fault: "peer",
    hint: "check the port, and that TLS is what is spoken there",
    cause: thrown,
  });
}

/** What answers is somebody else: fatal at first; a line that was connected before waits and tries again. */
export function noPeer(endpoint: Endpoint, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError({
    code: "not_our_peer",
    message: `what answers at ${formatEndpoint(endpoint)} is no relay of ours: ${why}`,
    hint: "check the host and port; on a strange network, whether a login page stands in between",
    kind: "fatal",
    fault: "peer",
    cause,
  });
}

export function handshakeTimedOut(endpoint: Endpoint, timeoutMs: number): HoldfastError {
  const message = `no answer to the handshake from ${formatEndpoint(endpoint)} within ${timeoutMs / 1000} s`;
  return new HoldfastError({ code: "timed_out", message });
}
