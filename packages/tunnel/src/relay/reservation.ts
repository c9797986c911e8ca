// When those that find the relay busy are to come back: each gets a slot of its own, behind the queue that the
// relay already holds. A constant hint would bring the whole herd back at once, for ever.
import type { Instant, Random } from "@holdfast/core";

/** A slot is a little longer than its work, so that refusals do not eat the capacity. */
export const SLOT_PACE = 1.02;
/** Clients cut a hint at ten minutes, so no slot is given beyond. */
export const HINT_HORIZON_MS = 600_000;

/** The last slot that was given away. */
export interface Reservation {
  readonly slot: Instant;
}

export const NO_RESERVATION: Reservation = { slot: -Infinity };

export interface Slot {
  readonly reservation: Reservation;
  readonly retryAfterMs: number;
}

/**
 * The next free slot behind `queueMs` of work, at `perSecond`. Those beyond the horizon get no slot, only a
 * time to ask again, spread over its second half.
 */
export function reserve(
  reservation: Reservation,
  now: Instant,
  queueMs: number,
  perSecond: number,
  random: Random,
): Slot {
  const slot = Math.max(reservation.slot, now + queueMs) + (SLOT_PACE * 1_000) / perSecond;
  const retryAfterMs = slot - now;
  if (retryAfterMs <= HINT_HORIZON_MS) return { reservation: { slot }, retryAfterMs };
  return { reservation, retryAfterMs: HINT_HORIZON_MS / 2 + (random() * HINT_HORIZON_MS) / 2 };
}
