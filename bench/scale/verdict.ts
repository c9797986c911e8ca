// Whether a figure is reached, as the cells of a table: measured, to reach, and the verdict.
import { number } from "../table.ts";

export function atMost(measured: number, most: number, digits: readonly [number, number]): string[] {
  const verdict = measured <= most ? "met" : `missed: by ${number(measured - most, digits[0])}`;
  return [number(measured, digits[0]), `at most ${number(most, digits[1])}`, verdict];
}

/** Of things that are counted. */
export function atLeast(measured: number, least: number): string[] {
  return [String(measured), String(least), measured >= least ? "met" : `missed: ${least - measured} fewer`];
}
