// Why an upgrade to a WebSocket failed, and what that means for the next try.
import { HoldfastError } from "@holdfast/core";
import { formatEndpoint, printable } from "./endpoint.ts";
import { dialFailure } from "./socket-failure.ts";
import { noPeer } from "./tls-failure.ts";
import type { WebSocketTarget } from "./websocket-target.ts";

/** The answer was no upgrade. Over TLS the other end is known to be the relay, or what stands in front of it. */
export function upgradeRefused(target: WebSocketTarget, status: number, retryAfter?: string): HoldfastError {
  const where = formatEndpoint(target);
  const message = `${where} answered ${status} to the upgrade`;
  const seconds = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
  if (seconds !== undefined && (status === 429 || status === 503)) {
    const retryAfterMs = seconds * 1000;
    return new HoldfastError({ code: "busy", message, kind: "throttled", fault: "peer", retryAfterMs });
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return new HoldfastError({ code: "unavailable", message, fault: "peer" });
  }
  if (target.secure && status === 401) {
    return new HoldfastError({ code: "unauthorized", message, kind: "unauthorized", fault: "peer" });
  }
  if (target.secure && (status === 403 || status === 421)) {
    const hint =
      status === 421
        ? unknownName(target)
        : "the relay, or a proxy in front of it, does not allow this host name or origin";
    return new HoldfastError({ code: "forbidden", message, kind: "fatal", fault: "peer", hint });
  }
  const failure = noPeer(target, `it answered ${status} to the upgrade`);
  if (status !== 421) return failure;
  const { code, text, kind, fault } = failure;
  return new HoldfastError({ code, message: text, kind, fault, hint: unknownName(target) });
}

/** It broke, or the answer was no HTTP, or no WebSocket of ours. */
export function upgradeFailure(target: WebSocketTarget, thrown: unknown): HoldfastError {
  const code = (thrown as { code?: unknown } | null | undefined)?.code;
  if (typeof code === "string" && !code.startsWith("HPE_")) return dialFailure(target, thrown);
  if (thrown === null || thrown === undefined) {
    const message = `${formatEndpoint(target)} ended the connection before the upgrade`;
    return new HoldfastError({ code: "connection_reset", message, fault: "peer" });
  }
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return noPeer(target, why, thrown);
}

function unknownName({ host }: WebSocketTarget): string {
  return `if it is your relay: it is not known by that name; start it with --allow-host ${printable(host)}`;
}
