// A line's status and errors as they are written in JSON: snake_case, `_ms`, RFC 3339, null where nothing exists.
import type { EndReason, HoldfastError, Status } from "@holdfast/core";
import type { EndReasonJson, FailureJson, LineFields } from "./schemas/values.ts";
import type { ErrorLine } from "./schemas/messages.ts";

/** Wall-clock milliseconds as RFC 3339. */
export function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** The fields of a line, from its status with wall-clock times. */
export function lineFields(status: Status): LineFields {
  const active = status.state === "connecting" || status.state === "reconnecting";
  const waiting = active && status.phase === "waiting" ? status : undefined;
  return {
    state: status.state,
    phase: active ? status.phase : null,
    epoch: status.epoch,
    attempt: status.attempt,
    failures: status.failures,
    since: timestamp(status.since),
    last_heard: status.lastHeard === undefined ? null : timestamp(status.lastHeard),
    delay_ms: waiting === undefined ? null : Math.round(waiting.delayMs),
    retry_at: waiting === undefined ? null : timestamp(waiting.retryAt),
    draining: status.draining,
    failure: status.failure === undefined ? null : failureJson(status.failure),
    reason: status.state === "disconnected" ? endReasonJson(status.reason) : null,
    prompt: status.state === "auth_required" ? status.prompt : null,
  };
}

export function failureJson(error: HoldfastError): FailureJson {
  return {
    code: error.code,
    message: error.text,
    kind: error.kind,
    fault: error.fault,
    retryable: error.retryable,
    retry_after_ms: error.retryAfterMs ?? null,
    hint: error.hint ?? null,
  };
}

export function endReasonJson(reason: EndReason): EndReasonJson {
  const error = reason.error === undefined ? null : failureJson(reason.error);
  return { code: reason.code, failures: reason.failures, error };
}

/** An error as a line of its own, on the control socket and with `--json`. */
export function errorLine(error: HoldfastError): ErrorLine {
  return {
    type: "error",
    code: error.code,
    message: error.text,
    retryable: error.retryable,
    hint: error.hint ?? null,
  };
}
