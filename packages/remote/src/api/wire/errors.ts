// From a failure of ours to an error of distant's, with its kinds.
import { HoldfastError } from "@holdfast/core";
import type { ApiError, ErrorAnswer, ErrorKind } from "./answers.ts";

/** Our codes, and what distant calls them. Every other one is `other`. */
const KIND_OF_CODE: Readonly<Record<string, ErrorKind>> = {
  not_found: "not_found",
  permission_denied: "permission_denied",
  auth_required: "permission_denied",
  connection_refused: "connection_refused",
  connection_reset: "connection_reset",
  closed_by_peer: "connection_reset",
  closed: "connection_aborted",
  not_connected: "not_connected",
  not_running: "not_connected",
  address_in_use: "addr_in_use",
  name_not_resolved: "addr_not_available",
  unreachable: "addr_not_available",
  broken_pipe: "broken_pipe",
  already_exists: "already_exists",
  limit: "would_block",
  too_many: "would_block",
  timed_out: "timed_out",
  link_lost: "interrupted",
  interrupted: "interrupted",
  unsupported: "unsupported",
  unknown_request: "unsupported",
  too_many_links: "loop",
  bad_text: "invalid_data",
  bad_json: "invalid_data",
};

export function apiError(thrown: unknown): ApiError {
  const failure = HoldfastError.from(thrown);
  const { code, text, hint } = failure;
  const kind = KIND_OF_CODE[code] ?? (/^bad_|^not_a_file$/.test(code) ? "invalid_input" : "other");
  const description = hint === undefined ? text : `${text}; ${hint}`;
  return { kind, description, ...(mayHaveRun(failure) && { may_have_run: true as const }) };
}

export function errorAnswer(thrown: unknown): ErrorAnswer {
  return { type: "error", ...apiError(thrown) };
}

/** A change was under way when its link was lost. */
export function mayHaveRunFailure(cause: HoldfastError): HoldfastError {
  const message = `the link was lost while this was under way, and it may have been done: ${cause.text}`;
  const hint = "look before you ask for it again";
  return new MayHaveRun({ code: "interrupted", message, hint, cause });
}

/** A process whose end nobody knows. */
export function processLostFailure(cause: HoldfastError): HoldfastError {
  const what = cause.code === "link_lost" ? "the connection was lost" : cause.text;
  const message = `${what}: nobody knows whether this process still runs, or how it ended`;
  return new MayHaveRun({ code: "interrupted", message, cause });
}

/** Asked for something that makes no sense. */
export function badInput(message: string): HoldfastError {
  return new HoldfastError({ code: "bad_input", message, kind: "fatal", fault: "peer" });
}

export function unsupported(message: string, hint?: string): HoldfastError {
  return new HoldfastError({ code: "unsupported", message, hint, kind: "fatal", fault: "local" });
}

/** More than is kept at a time. */
export function overLimit(what: string, most: number, hint: string): HoldfastError {
  const message = `there are ${most} ${what} already, which is the limit`;
  return new HoldfastError({ code: "limit", message, hint, fault: "local" });
}

class MayHaveRun extends HoldfastError {}

function mayHaveRun(failure: HoldfastError): boolean {
  return failure instanceof MayHaveRun;
}
