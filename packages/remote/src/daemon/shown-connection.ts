// Where a connection stands, as the control protocol shows it. `connected` is only said with evidence that is not older
// than the liveness timeout: after a sleep, or a moment in which this process did not run, the truth is not known yet.
import { lineFields, type LineFields } from "@holdfast/control";
import { HoldfastError, type Status } from "@holdfast/core";
import type { ConnectionEnd, ConnectionStatus } from "../connection/connection.ts";

type EndCode = NonNullable<LineFields["reason"]>["code"];

const END_CODES: Readonly<Record<ConnectionEnd["code"], EndCode>> = {
  asked: "closed",
  gave_up: "gave_up",
  refused: "failed",
  unsupported: "unsupported",
  no_reconnect: "not_reconnecting",
};

/** The fields of a line for a connection. */
export function shownLine(status: ConnectionStatus): LineFields {
  const fields = lineFields(asLineStatus(status));
  if (status.state !== "disconnected" || fields.reason === null) return fields;
  return { ...fields, reason: { ...fields.reason, code: END_CODES[status.reason.code] } };
}

/** As a line would say it, which has fewer words for its end. */
export function asLineStatus(status: ConnectionStatus): Status {
  if (status.state !== "disconnected") return status;
  const { error, failures } = status.reason;
  return { ...status, reason: { code: "closed", error, failures } };
}

/** Whether it says `connected` by evidence that is too old; `now` is wall-clock milliseconds. */
export function isStale(status: ConnectionStatus, livenessTimeoutMs: number, now: number): boolean {
  if (status.state !== "connected") return false;
  return now - (status.lastHeard ?? status.since) > livenessTimeoutMs;
}

/** What is known of a machine that should have been heard by now: it is being asked. */
export function whileUnproven(status: ConnectionStatus, livenessTimeoutMs: number): ConnectionStatus {
  const { epoch, failures, lastHeard, draining, since } = status;
  const failure = new HoldfastError({
    code: "no_sign_of_life",
    message: `nothing was heard for more than ${livenessTimeoutMs} ms; it is being asked`,
  });
  return {
    state: "reconnecting",
    phase: "dialing",
    epoch,
    attempt: 1,
    failures,
    since: (lastHeard ?? since) + livenessTimeoutMs,
    lastHeard,
    failure,
    draining,
  };
}

/** It has not been opened yet, or could not be. */
export function unopened(since: number, failure: HoldfastError | undefined): ConnectionStatus {
  const common = { epoch: 0, failures: 0, since, lastHeard: undefined, draining: false } as const;
  if (failure === undefined) {
    return { ...common, state: "connecting", phase: "dialing", attempt: 1, failure };
  }
  const reason = { code: "refused", error: failure, failures: 1 } as const;
  return { ...common, state: "disconnected", attempt: 1, failures: 1, failure, reason };
}

/** It has ended here, unless its line ended by itself before. */
export function endedStatus(
  status: ConnectionStatus,
  since: number,
  failure: HoldfastError | undefined,
): ConnectionStatus {
  if (status.state === "disconnected" && failure !== undefined) return status;
  const { epoch, attempt, failures, lastHeard, failure: last } = status;
  const code = failure === undefined ? "asked" : "refused";
  const reason = { code, error: failure, failures } as const;
  const common = { epoch, attempt, failures, lastHeard, since, draining: false } as const;
  return { ...common, state: "disconnected", failure: failure ?? last, reason };
}
