// Names of signals, without the `SIG` that not every system writes.
import { constants } from "node:os";
import { HoldfastError } from "@holdfast/core";
import { quoted } from "../plugin/peer-text.ts";

const NAMES: ReadonlyMap<number, string> = new Map(
  // Some numbers have two names (ABRT and IOT): the first is the usual one.
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name.slice(3)]),
);

/** @throws HoldfastError `bad_signal` (fatal) for a name that this system does not have. */
export function signalOf(name: string): NodeJS.Signals {
  const full = `SIG${name}`;
  if (Object.hasOwn(constants.signals, full)) return full as NodeJS.Signals;
  const message = `there is no signal ${quoted(name)}`;
  const hint = "signals are named TERM, KILL, INT, HUP …";
  throw new HoldfastError({ code: "bad_signal", message, hint, kind: "fatal", fault: "local" });
}

export function signalName(number: number): string {
  return NAMES.get(number) ?? String(number);
}
