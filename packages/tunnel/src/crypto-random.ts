// Randomness whose next number nobody can tell from those before.
import { randomBytes } from "node:crypto";

/** Uniform in [0, 1). */
export function cryptoRandom(): number {
  return randomBytes(4).readUInt32LE() / 2 ** 32;
}
