// What the system says about a socket, as a `HoldfastError` that names the endpoint, whose fault it is and
// what to do about it.
import { HoldfastError } from "@holdfast/core";
import type { FailureDetails } from "@holdfast/core";
import type { Endpoint } from "./endpoint.ts";
import { formatEndpoint } from "./endpoint.ts";

type Known = Omit<FailureDetails, "cause">;

/** Why a dial failed. */
export function dialFailure(endpoint: Endpoint, thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const where = formatEndpoint(endpoint);
  const known = knownDialFailure(codeOf(thrown), where);
  if (known !== undefined) return new HoldfastError({ ...known, cause: thrown });
  return named(thrown, `could not connect to ${where}`);
}

/** Why a link ended. A reset is the peer's doing; all else lies between. */
export function linkFailure(endpoint: Endpoint, thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const where = formatEndpoint(endpoint);
  const code = codeOf(thrown);
  if (code === "ECONNRESET" || code === "EPIPE") {
    const message = `${where} ended the connection`;
    return new HoldfastError({ code: "connection_reset", message, fault: "peer", cause: thrown });
  }
  return named(thrown, `the connection to ${where} broke`);
}

/** Somebody on this side destroyed the socket without asking the link. */
export function closedHere(endpoint: Endpoint): HoldfastError {
  const message = `the connection to ${formatEndpoint(endpoint)} was closed on this side`;
  return new HoldfastError({ code: "connection_cut", message, fault: "local" });
}

/** Why a listener could not start, or what went wrong while it accepted. */
export function listenFailure(endpoint: Endpoint, thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const known = knownListenFailure(codeOf(thrown), formatEndpoint(endpoint));
  if (known !== undefined) return new HoldfastError({ ...known, fault: "local", cause: thrown });
  const { code, text, kind } = HoldfastError.from(thrown);
  const message = `could not listen on ${formatEndpoint(endpoint)}: ${text}`;
  return new HoldfastError({ code, message, kind, fault: "local", cause: thrown });
}

/** Nobody answered in time. */
export function tooLate(where: string, timeoutMs: number): HoldfastError {
  return new HoldfastError({
    code: "timed_out",
    message: `no answer from ${where} within ${timeoutMs / 1000} s`,
    hint: "check the address, and that no firewall drops the connection",
  });
}

/** The dial was cancelled: the signal's own reason if it is one of ours. */
export function aborted(reason: unknown): HoldfastError {
  if (reason instanceof HoldfastError) return reason;
  return new HoldfastError({
    code: "aborted",
    message: "the dial was cancelled",
    fault: "local",
    cause: reason,
  });
}

/** The system's name of an error (`ECONNREFUSED`); of several, the first address's. */
function codeOf(thrown: unknown): string {
  const first: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  const code = (first as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}

function knownDialFailure(code: string, where: string): Known | undefined {
  switch (code) {
    case "ECONNREFUSED":
      return {
        code: "connection_refused",
        message: `${where} refused the connection`,
        // A live machine answered, but no program of ours did: nobody refused us by policy.
        fault: "network",
        hint: "is the program there running?",
      };
    case "ENOENT":
      return {
        code: "connection_refused",
        message: `there is no socket at ${where}`,
        hint: "is the program that makes it running?",
      };
    case "EACCES":
    case "EPERM":
      return {
        code: "permission_denied",
        message: `not allowed to connect to ${where}`,
        fault: "local",
        hint: "check the permissions of the socket, or the firewall",
      };
    default:
      return undefined;
  }
}

function knownListenFailure(code: string, where: string): Known | undefined {
  switch (code) {
    case "EADDRINUSE":
      return {
        code: "address_in_use",
        message: `${where} is already in use`,
        hint: "stop the program that uses it, or choose another address",
      };
    case "EACCES":
    case "EPERM":
      return {
        code: "permission_denied",
        message: `not allowed to listen on ${where}`,
        hint: "choose a port above 1023, or a folder that you may write to",
      };
    case "EADDRNOTAVAIL":
      return { code: "address_not_available", message: `this machine does not have the address of ${where}` };
    case "EMFILE":
    case "ENFILE":
      return {
        code: "too_many_open_files",
        message: `${where} cannot accept more connections: no file descriptors are left`,
        hint: "raise the limit (ulimit -n)",
      };
    default:
      return undefined;
  }
}

function named(thrown: unknown, what: string): HoldfastError {
  const { code, text, kind, fault, hint } = HoldfastError.from(thrown);
  return new HoldfastError({ code, message: `${what}: ${text}`, kind, fault, hint, cause: thrown });
}
