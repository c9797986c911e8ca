// The few names that the driver takes from its environment: a timer, a clock, an AbortController. Everything
// else in this entry is plain ECMAScript, so it runs in browsers, Node, Deno and Bun, and compiles without
// the types of any of them.
import type { Clock, Timer } from "@holdfast/core";

/** An `AbortSignal`, or as much of one as is needed where no such type is declared. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : MinimalSignal;

export interface MinimalSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

interface Host {
  setTimeout(fire: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  performance: { now(): number };
  Date: { now(): number };
  AbortController: new () => { readonly signal: MinimalSignal; abort(reason?: unknown): void };
}

const host = globalThis as unknown as Host;

/** The machine's own clock. */
export const systemClock: Clock = {
  mono: () => host.performance.now(),
  wall: () => host.Date.now(),
  timer: (fire) => new HostTimer(fire),
};

/** Aborts the signals that this package hands out. */
export class Aborter {
  readonly #controller = new host.AbortController();

  get signal(): Signal {
    return this.#controller.signal as unknown as Signal;
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }
}

class HostTimer implements Timer {
  readonly #fire: () => void;
  #handle: unknown = undefined;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  set(delayMs: number): void {
    this.clear();
    this.#handle = host.setTimeout(this.#fire, delayMs);
  }

  /** Harmless for a timer that has fired, or never was. */
  clear(): void {
    host.clearTimeout(this.#handle);
  }
}
