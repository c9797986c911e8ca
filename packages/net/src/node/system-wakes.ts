// Wakes that the machine gives: it slept, or its network addresses changed.
import { networkInterfaces } from "node:os";
import type { Clock } from "@holdfast/core";
import { systemClock } from "../host.ts";
import type { WakeSource } from "../line.ts";
import { MachineWatch } from "./machine-watch.ts";

export interface SystemWakesOptions {
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** The addresses that the machine has now. Default: those of all its interfaces that are up. */
  readonly addresses?: () => readonly string[];
}

const watches = new WeakMap<Clock, Map<() => readonly string[], MachineWatch>>();

/**
 * Wakes with `sleep` after the machine slept (or the process was stopped) for more than 2 s, and with `network`
 * when its addresses changed. All sources of a process share one unreferenced tick per second.
 */
export function systemWakes(options: SystemWakesOptions = {}): WakeSource {
  const { clock = systemClock, addresses = machineAddresses } = options;
  return (wake) => watchFor(clock, addresses).subscribe(wake);
}

/** The addresses of all interfaces that are up, loopback included, without IPv6 zones. */
export function machineAddresses(): readonly string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((interfaces) =>
      (interfaces ?? []).map(({ address }) => address),
    );
  } catch {
    // Not readable (some containers and phones): then there is no news from here.
    return [];
  }
}

function watchFor(clock: Clock, addresses: () => readonly string[]): MachineWatch {
  let byAddresses = watches.get(clock);
  if (byAddresses === undefined) watches.set(clock, (byAddresses = new Map()));
  let watch = byAddresses.get(addresses);
  if (watch === undefined) byAddresses.set(addresses, (watch = new MachineWatch(clock, addresses)));
  return watch;
}
