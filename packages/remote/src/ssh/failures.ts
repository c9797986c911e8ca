// What ssh2 and the servers behind it say of failures, as ours.
import { HoldfastError } from "@holdfast/core";
import { peerText } from "../plugin/peer-text.ts";
import type { SshLibraryError } from "./library.ts";

const PROHIBITED = 1;
const UNKNOWN_TYPE = 3;
const SHORTAGE = 4;

/** A connection that the far side did not make. */
export function openFailure(error: Error, host: string, port: number): HoldfastError {
  const { reason } = error as SshLibraryError;
  const said = peerText(error.message.replace("(SSH) Channel open failure: ", ""));
  const where = `${host}:${port}`;
  if (reason === PROHIBITED) {
    const hint = "its sshd_config may have AllowTcpForwarding or PermitOpen";
    const message = `the far side does not allow connections to ${where}: ${said}`;
    return new HoldfastError({ code: "permission_denied", message, hint, kind: "fatal", fault: "peer" });
  }
  if (reason === UNKNOWN_TYPE) {
    const message = `the far side makes no connections: ${said}`;
    return new HoldfastError({ code: "unsupported", message, kind: "fatal", fault: "peer" });
  }
  const code = reason === SHORTAGE ? "too_many" : codeOf(said);
  return new HoldfastError({ code, message: `the far side cannot reach ${where}: ${said}`, fault: "peer" });
}

function codeOf(said: string): string {
  if (/timed? ?out/i.test(said)) return "timed_out";
  if (/not known|no such host|name resolution|nodename|no address/i.test(said)) return "name_not_resolved";
  if (/unreachable|no route/i.test(said)) return "unreachable";
  return "connection_refused";
}

/** A channel for a process or for files that was not opened. */
export function sessionFailure(what: string): (error: Error) => HoldfastError {
  return (error) => {
    const { reason } = error as SshLibraryError;
    const message = `${what}: ${peerText(error.message)}`;
    if (reason === SHORTAGE || reason === undefined || reason === 2) {
      return new HoldfastError({ code: "refused", message, fault: "peer" });
    }
    return new HoldfastError({ code: "permission_denied", message, kind: "fatal", fault: "peer" });
  };
}

/** What ended a link, or the making of one. */
export function linkFailure(error: SshLibraryError): HoldfastError {
  if (error.level === "client-timeout") {
    const message = "the far side does not answer keepalives any more";
    return new HoldfastError({ code: "timed_out", message, cause: error });
  }
  if (error.level === "client-socket") return HoldfastError.from(error);
  const message = peerText(error.message);
  if (/no matching/i.test(message)) {
    const hint = "the two sides have no algorithm in common; the server may be very old";
    return new HoldfastError({ code: "handshake_failed", message, hint, kind: "fatal", fault: "peer" });
  }
  return new HoldfastError({ code: "handshake_failed", message, fault: "peer", cause: error });
}
