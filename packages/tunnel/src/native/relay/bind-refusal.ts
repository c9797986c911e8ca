// Why a bind is refused, in codes and words.
import type { Instant } from "@holdfast/core";
import type { Opening } from "../../relay/public-ports.ts";
import type { Refused } from "../wire/messages.ts";
import type { Lease } from "./lease.ts";

/** A refusal without the bind that it answers. */
export type BindRefusal = Omit<Refused, "type" | "id">;

/** Nobody need ask sooner for a port that somebody else was promised. */
const MOST_RETRY_MS = 60_000;
/** When a relay that has no room left may be asked again. */
const FULL_RETRY_MS = 60_000;
const SOON_MS = 1_000;

const OF_OPENING: Readonly<Record<(Opening & { type: "refused" })["reason"], BindRefusal>> = {
  not_allowed: refusal("port_not_allowed", "the port is not in the relay's range", false),
  in_use: refusal("port_in_use", "another program at the relay has the port", true),
  permission_denied: refusal("permission_denied", "the relay may not open that port", false),
  none_found: refusal("no_port", "the relay found no free port", true),
  failed: refusal("bind_failed", "the relay could not open the port", true),
};

export const TOO_MANY_TARGETS: BindRefusal = refusal("limit", "too many tunnels of one owner", false);
export const TOO_MANY_FROM_ADDRESS: BindRefusal = refusal(
  "address_limit",
  "too many ports are leased to clients from your address",
  true,
  FULL_RETRY_MS,
);
export const RELAY_FULL: BindRefusal = refusal(
  "relay_full",
  "the relay has no room left",
  true,
  FULL_RETRY_MS,
);
export const CONTENDED: BindRefusal = refusal("busy", "others want the port at this moment", true, SOON_MS);
export const DRAINING: BindRefusal = refusal("draining", "the relay is going away", true);

export function refusalOfOpening({ reason }: Opening & { readonly type: "refused" }): BindRefusal {
  return OF_OPENING[reason];
}

export function refusalOfLease(
  code: "leased" | "held" | "duplicate",
  lease: Lease | undefined,
  now: Instant,
): BindRefusal {
  switch (code) {
    case "leased": {
      const retryAfterMs = lease?.state === "kept" ? Math.max(SOON_MS, lease.until - now) : undefined;
      const hint = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, MOST_RETRY_MS);
      return refusal(code, "the port belongs to another owner", true, hint);
    }
    case "held":
      return refusal(code, "another program of yours has the port, and is there", false);
    case "duplicate":
      return refusal(code, "this session has the port already", false);
  }
}

function refusal(code: string, message: string, retryable: boolean, retryAfterMs?: number): BindRefusal {
  const words = { code, message, retryable };
  return retryAfterMs === undefined ? words : { ...words, retry_after_ms: Math.round(retryAfterMs) };
}
