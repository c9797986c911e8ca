// One look at the machine per second, for all lines of the process: has it slept, have its addresses changed?
import type { Clock, WakeReason } from "@holdfast/core";
import { systemClock } from "../host.ts";

/** Something changed, with the addresses that the machine has now. */
export type MachineListener = (reason: WakeReason, addresses: readonly string[]) => void;

/** How often it looks. */
const TICK_MS = 1_000;

/** More than this between the clocks, or a tick that is later than this, is sleep. */
const SLEPT_MS = 2_000;

export class MachineWatch {
  readonly #clock: Clock;
  readonly #addresses: () => readonly string[];
  /** One for each line that wants to be woken. */
  readonly #listeners = new Set<MachineListener>();
  #stop: (() => void) | undefined = undefined;
  #mono = 0;
  #wall = 0;
  /** At most the addresses that the machine has. */
  #known: readonly string[] = [];

  constructor(clock: Clock, addresses: () => readonly string[]) {
    this.#clock = clock;
    this.#addresses = addresses;
  }

  /** The first one starts the tick, the end of the last one stops it. */
  subscribe(listener: MachineListener): () => void {
    // A function of its own for each subscription, so that one listener may subscribe twice.
    const own: MachineListener = (...news) => listener(...news);
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#end();
    };
  }

  #start(): void {
    this.#readClocks();
    this.#known = this.#sortedAddresses();
    this.#stop = everySecond(this.#clock, () => this.#look());
  }

  #end(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #look(): void {
    const monoBefore = this.#mono;
    const wallBefore = this.#wall;
    this.#readClocks();
    const monoMs = this.#mono - monoBefore;
    const wallMs = this.#wall - wallBefore;
    // On Linux the monotonic clock halts in sleep and no timer is late; on macOS it goes on and timers are.
    const slept = wallMs - monoMs > SLEPT_MS || monoMs - TICK_MS > SLEPT_MS;
    const addresses = this.#sortedAddresses();
    const moved = !sameTexts(addresses, this.#known);
    this.#known = addresses;
    if (moved) this.#tell("network");
    else if (slept) this.#tell("sleep");
  }

  #tell(reason: WakeReason): void {
    for (const listener of this.#listeners) listener(reason, this.#known);
  }

  #readClocks(): void {
    this.#mono = this.#clock.mono();
    this.#wall = this.#clock.wall();
  }

  #sortedAddresses(): readonly string[] {
    return [...this.#addresses()].toSorted();
  }
}

/** The machine's own clock gets an unreferenced interval: watching must not keep a process alive. */
function everySecond(clock: Clock, look: () => void): () => void {
  if (clock === systemClock) {
    const interval = setInterval(look, TICK_MS).unref();
    return () => clearInterval(interval);
  }
  const timer = clock.timer(() => {
    timer.set(TICK_MS);
    look();
  });
  timer.set(TICK_MS);
  return () => timer.clear();
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
