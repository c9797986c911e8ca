// How the end of a process becomes the exit code of the command: its own, 128 + n for a signal, as a shell says it.
import { constants } from "node:os";
import type { ProcessEnd } from "@holdfast/remote";

/** A failure of ours: nobody knows how the process ended, or it never began. */
export const OURS = 255;
const MOST = 255;

/** What 128 is added to; undefined for a name that this system does not have. */
export function signalNumber(name: string): number | undefined {
  return (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
}

export function exitStatus(end: ProcessEnd): number {
  if (end.signal !== undefined) return signalStatus(end.signal);
  // Windows has larger ones, of which only the lowest byte would be left: 0 for some failures.
  return Math.min(end.code, MOST);
}

export function signalStatus(name: string): number {
  const number = signalNumber(name);
  return number === undefined ? OURS : 128 + number;
}
