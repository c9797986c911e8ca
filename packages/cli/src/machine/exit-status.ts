// How the end of a process becomes the exit code of the command: its own, 128 + n for a signal, as a shell says it.
import { constants } from "node:os";
import type { HoldfastError } from "@holdfast/core";
import type { ProcessEnd } from "@holdfast/remote";

/** A failure of ours: nobody knows how the process ended, or it never began. */
export const OURS = 255;
const MOST = 255;
/** It never began because there is no such program, or it may not be run: what a shell says of that. */
const NOT_STARTED: Readonly<Record<string, number>> = { not_found: 127, permission_denied: 126 };

/** What 128 is added to; undefined for a name that this system does not have. */
function signalNumber(name: string): number | undefined {
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

/** Of a program that could not be started; undefined if that was not the machine's word. */
export function startStatus({ code }: HoldfastError): number | undefined {
  return NOT_STARTED[code];
}
