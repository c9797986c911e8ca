// What a refused bind means, and how long to wait before it is asked for again.
import { HoldfastError, type Random } from "@holdfast/core";
import { printable } from "../../printable.ts";
import type { WantedPort } from "../../client/wanted-port.ts";
import type { Refused } from "../wire/messages.ts";

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 10_000;
const LEAST_DELAY_MS = 100;
/** A hint is honoured, with a little on top so that not everybody comes in the same moment. */
const HINT_JITTER_MS = 1_000;

const HINTS: Readonly<Record<string, string>> = {
  held: "end the other program, or take the port from it with `force` (--force)",
  port_not_allowed: "ask for a port of the relay's range, or for any",
  permission_denied: "ask for a port of 1024 or above, or for any",
  limit: "close a tunnel that is not needed any more",
};

/** The failure behind a refusal; without a message, the relay took the port back. */
export function refusalOf(message: Refused | undefined, { asked, held }: WantedPort): HoldfastError {
  const port = asked === 0 ? held : asked;
  const which = port === undefined ? "a port" : `port ${port}`;
  if (message === undefined) {
    return new HoldfastError({ code: "unbound", message: `the relay took ${which} back`, fault: "peer" });
  }
  const { code, retryable, retry_after_ms: retryAfterMs } = message;
  return new HoldfastError({
    code,
    message: `the relay refused ${which}: ${printable(message.message)}`,
    kind: retryable ? "transient" : "fatal",
    fault: "peer",
    retryAfterMs,
    hint: HINTS[code],
  });
}

/** Full jitter after the cap, and never at once; a hint with additive jitter only. In milliseconds. */
export function retryDelay(refusals: number, hintMs: number | undefined, random: Random): number {
  if (hintMs !== undefined) return hintMs + random() * Math.min(hintMs / 10, HINT_JITTER_MS);
  const most = Math.min(FIRST_DELAY_MS * 2 ** (refusals - 1), MAX_DELAY_MS);
  return Math.max(LEAST_DELAY_MS, random() * most);
}
