// The hints of the tunnel relay: its own reservation, as it is compiled.
import type { Random } from "@holdfast/core";
import type * as reservation from "../../packages/tunnel/src/relay/reservation.ts";

// The relay does not export its parts, and need not for a bench of one of them.
const COMPILED = new URL("../../../packages/tunnel/dist/relay/reservation.js", import.meta.url);

export async function reservedHint(
  perSecond: number,
  random: Random,
): Promise<(nowMs: number, queueMs: number) => number> {
  const { NO_RESERVATION, reserve } = (await import(COMPILED.href)) as typeof reservation;
  let reserved = NO_RESERVATION;
  return (nowMs, queueMs) => {
    const slot = reserve(reserved, nowMs, queueMs, perSecond, random);
    reserved = slot.reservation;
    return slot.retryAfterMs;
  };
}
