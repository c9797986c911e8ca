// What every byte of a simulated stream has to be: a function of the stream, the direction and the offset, so that a
// byte that is lost, repeated, swapped or taken from a neighbour is seen wherever it happens.
import { seededRandom } from "../random.ts";

/** A prime, so that no window or frame size of a seed is a multiple of the period. */
const PERIOD = 65_521;
/** The pattern twice, so that a run of bytes is one copy. */
const PATTERN = makePattern();

/** Where the pattern begins for one direction of one stream. */
export function contentBase(session: number, streamId: number, fromClient: boolean): number {
  let mixed =
    Math.imul(streamId * 2 + (fromClient ? 1 : 0) + 1, 0x9e3779b1) ^ Math.imul(session + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return ((mixed ^ (mixed >>> 13)) >>> 0) % PERIOD;
}

/** The bytes `[offset, offset + length)`, in memory of their own. */
export function contentOf(base: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const from = (base + offset + done) % PERIOD;
    const run = Math.min(length - done, PERIOD);
    bytes.set(PATTERN.subarray(from, from + run), done);
    done += run;
  }
  return bytes;
}

/** The place of the first wrong byte of a piece that claims to begin at `offset`, or -1. */
export function firstWrongByte(base: number, offset: number, bytes: Uint8Array): number {
  let at = (base + offset) % PERIOD;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== PATTERN[at]) return i;
    at = at + 1 === PERIOD ? 0 : at + 1;
  }
  return -1;
}

function makePattern(): Uint8Array {
  const random = seededRandom(0x5eed);
  const pattern = new Uint8Array(PERIOD * 2);
  for (let i = 0; i < PERIOD; i++) pattern[i] = random() * 256;
  pattern.copyWithin(PERIOD, 0, PERIOD);
  return pattern;
}
