// The status of a connection, which outlives lines and links: what its present line says, with the epochs before it.
import type { EndReason, HoldfastError, Status } from "@holdfast/core";
import type { ConnectionEnd, ConnectionStatus } from "./connection.ts";

/** What a connection is told not to do, and why. */
export type WhyNot = "no_reconnect" | "unsupported" | undefined;

export interface Past {
  /** Links of earlier lines, and swaps within this one. */
  readonly epochs: number;
  /** When the machine was heard before this line. */
  readonly lastHeard: number | undefined;
}

export function shownStatus(status: Status, past: Past, whyNot: WhyNot, closed: boolean): ConnectionStatus {
  const epoch = status.epoch + past.epochs;
  const lastHeard = status.lastHeard ?? past.lastHeard;
  switch (status.state) {
    case "disconnected":
      return { ...status, epoch, lastHeard, reason: endOf(status.reason, whyNot, closed) };
    case "connecting":
      return { ...status, epoch, lastHeard, state: epoch > 0 ? "reconnecting" : "connecting" };
    case "reconnecting":
    case "connected":
    case "auth_required":
      return { ...status, epoch, lastHeard };
  }
}

function endOf({ code, error, failures }: EndReason, whyNot: WhyNot, closed: boolean): ConnectionEnd {
  if (closed) return { code: "asked", error: undefined, failures };
  return { code: codeOf(code, error, whyNot), error, failures };
}

function codeOf(
  code: EndReason["code"],
  error: HoldfastError | undefined,
  whyNot: WhyNot,
): ConnectionEnd["code"] {
  switch (code) {
    case "closed":
      return "asked";
    case "replaced":
      return "refused";
    case "failed":
      return error?.retryable === true && error.kind !== "unauthorized" ? (whyNot ?? "gave_up") : "refused";
    case "gave_up":
      return "gave_up";
    case "vetoed":
    case "not_reconnecting":
      return whyNot ?? "gave_up";
  }
}
