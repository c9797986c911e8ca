// What a network can do to a connection, and when it is to do it.

/** `up` is from the client to the target, `down` is back. */
export type Direction = "up" | "down";

/** A fault that names no direction strikes both. Sizes are bytes, times milliseconds. */
export type Fault =
  /** On accept: the client is reset and the target never dialled. On a live connection: the same as `reset`. */
  | { readonly kind: "refuse" }
  /** Both sides are reset. */
  | { readonly kind: "reset" }
  /** Both sides see an orderly end. */
  | { readonly kind: "end" }
  /**
   * Nothing is forwarded any more, neither bytes nor ends nor resets, and nothing is read: senders feel it as
   * back-pressure. Both sockets stay open. Healing loses nothing, as with a cable that is plugged in again.
   */
  | { readonly kind: "half_open"; readonly direction?: Direction }
  /**
   * Bytes are taken and thrown away: senders believe that all is well. A connection that has lost bytes is reset
   * when the fault is healed, because no network passes on a stream with a hole.
   */
  | { readonly kind: "black_hole"; readonly direction?: Direction }
  /** Bytes and ends come this much later, in order. */
  | { readonly kind: "delay"; readonly ms: number; readonly direction?: Direction }
  | { readonly kind: "throttle"; readonly bytesPerSecond: number; readonly direction?: Direction }
  /** All bits of one byte are flipped: the next one. */
  | { readonly kind: "corrupt"; readonly direction?: Direction }
  /** Chunks (as read from the socket) above the size vanish, smaller ones pass: what a lossy message transport does, and no TCP. */
  | { readonly kind: "drop_above"; readonly bytes: number; readonly direction?: Direction }
  /** From the first chunk above the size on nothing passes: what a path-MTU black hole does to TCP. */
  | { readonly kind: "stall_above"; readonly bytes: number; readonly direction?: Direction };

/** A fault, and when it strikes. */
export interface FaultPlan {
  readonly fault: Fault;
  /** Only the n-th connection, from 1. Default: every one that is accepted from now on. */
  readonly connection?: number;
  /**
   * When this many bytes have come in the direction, to the byte: later ones are not forwarded before the fault
   * strikes. A reset may overtake bytes that were. Default: on accept.
   */
  readonly after?: { readonly direction: Direction; readonly bytes: number };
}

/** Whether the fault is meant for this direction. */
export function strikes(fault: Fault, direction: Direction): boolean {
  return !("direction" in fault) || fault.direction === undefined || fault.direction === direction;
}
