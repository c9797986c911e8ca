// Every port of a range exactly once, in an order that nobody can guess the next of from the last.
import type { Random } from "@holdfast/core";

/** Walks the range by a random stride that shares no divisor with its length, from a random start. */
export function* randomPorts(range: readonly [number, number], random: Random): Generator<number> {
  const [least, greatest] = range;
  const count = greatest - least + 1;
  const start = Math.floor(random() * count);
  let stride = 1 + Math.floor(random() * (count - 1));
  while (greatestCommonDivisor(stride, count) !== 1) stride = (stride % count) + 1;
  for (let index = 0; index < count; index += 1) yield least + ((start + index * stride) % count);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
