// The questions of a handshake's script, as calls: `yield* digest(…)`. What comes back is what was asked for; the
// exchange sees to that.
import type { Question } from "./exchange.ts";

/** A part of a script that gives a value. */
export type Part<Value, Ask = never> = Generator<Question<Ask>, Value, unknown>;

/** The next frame of the other end. */
export function* nextFrame(): Part<Uint8Array> {
  return (yield { type: "frame" }) as Uint8Array;
}

/** HMAC-SHA256 over the parts. */
export function* digest(key: Uint8Array, ...parts: readonly Uint8Array[]): Part<Uint8Array> {
  return (yield { type: "digest", hmac: { key, parts } }) as Uint8Array;
}

/** A decision of whoever runs the handshake. */
export function* decision<Ask, Decision>(ask: Ask): Part<Decision, Ask> {
  return (yield { type: "decision", ask }) as Decision;
}
