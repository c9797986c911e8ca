// Bytes that both ends of a transfer know: pieces of one block of noise, so that a lost, repeated or overwritten
// byte shows in the hash.
import { createHash } from "node:crypto";

/** The largest transfer, in bytes. */
export const MOST_BYTES = 6_000_000;
const STARTS = 2_000_000;

const noise = makeNoise(MOST_BYTES + STARTS);

export function payload(seed: number, bytes: number): Buffer {
  const start = (seed * 40_503) % STARTS;
  return noise.subarray(start, start + bytes);
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** xorshift32: the same in every process. */
function makeNoise(bytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, bytes);
}
