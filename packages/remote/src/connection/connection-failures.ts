// What a connection says when it cannot do what it was asked for.
import { HoldfastError } from "@holdfast/core";
import type { ConnectionStatus } from "./connection.ts";

export function closedFailure(id: string): HoldfastError {
  const message = `connection ${id} was closed`;
  return new HoldfastError({ code: "closed", message, kind: "fatal", fault: "local" });
}

/** There is no link, and why. */
export function notConnected(id: string, status: ConnectionStatus, waitedMs?: number): HoldfastError {
  const { state, failure } = status;
  const waited = waitedMs === undefined ? "" : `, and was not back within ${waitedMs} ms`;
  const why = failure === undefined ? "" : `: ${failure.text}`;
  const hint =
    state === "auth_required"
      ? "somebody has to answer its question"
      : state === "disconnected"
        ? "reconnect it"
        : undefined;
  const message = `connection ${id} is ${state.replace("_", " ")}${waited}${why}`;
  return new HoldfastError({ code: "not_connected", message, hint, cause: failure });
}

export function nothingAsked(id: string, state: string): HoldfastError {
  const message = `connection ${id} asks nothing: it is ${state}`;
  return new HoldfastError({ code: "nothing_asked", message, kind: "fatal", fault: "local" });
}

/** A login that was refused is not tried again with nobody there: too many failures lock accounts. */
export function forPerson(failure: HoldfastError): HoldfastError {
  if (failure.kind !== "unauthorized" || failure.prompt !== undefined) return failure;
  const { code, text, fault, hint } = failure;
  const prompt = text;
  return new HoldfastError({
    code,
    message: text,
    kind: "unauthorized",
    fault,
    hint,
    prompt,
    cause: failure,
  });
}
