// Failures as the daemon tells them, as errors of this command.
import type { EndReasonJson, FailureJson } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";

/** What went wrong with a connection, with its kind and fault, which decide the exit code. */
export function errorOfFailure({
  code,
  message,
  kind,
  fault,
  hint,
  retry_after_ms,
}: FailureJson): HoldfastError {
  const details = { code, message, kind, fault, hint: hint ?? undefined };
  return new HoldfastError({ ...details, retryAfterMs: retry_after_ms ?? undefined });
}

/** Why a connection has ended, if it was not asked to. */
export function errorOfEnd(reason: EndReasonJson | null, last: FailureJson | null): HoldfastError {
  const failure = reason?.error ?? last;
  if (failure !== null) return errorOfFailure(failure);
  const message = "the connection was ended";
  return new HoldfastError({ code: "disconnected", message, kind: "fatal", fault: "local" });
}

/** The daemon is a part of this program: what it refuses was not refused by a peer. */
export function localError(thrown: unknown): HoldfastError {
  const error = HoldfastError.from(thrown);
  if (error.fault !== "peer") return error;
  const { code, text, kind, hint } = error;
  return new HoldfastError({ code, message: text, kind, hint, fault: "local", cause: error });
}
