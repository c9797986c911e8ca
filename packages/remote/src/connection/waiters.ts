// Those who wait for a link: bounded in number, and each for so long only.
import { HoldfastError, MAX_TIMER_MS, type Clock } from "@holdfast/core";
import type { ConnectedMachine, MachineWait } from "./connection.ts";

interface Waiter {
  readonly after: ConnectedMachine | undefined;
  settle(machine: ConnectedMachine | HoldfastError): void;
}

export class Waiters {
  /** At most `most`. */
  readonly #waiting = new Set<Waiter>();
  readonly #clock: Clock;
  readonly #most: number;

  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /** `late` says what to tell one whose time is over. */
  wait(wait: MachineWait, waitMs: number, late: () => HoldfastError): Promise<ConnectedMachine> {
    const { signal, after } = wait;
    if (this.#waiting.size >= this.#most) return Promise.reject(tooMany(this.#most));
    return new Promise((resolve, reject) => {
      const timer = this.#clock.timer(() => waiter.settle(late()));
      const leave = (): void => {
        this.#waiting.delete(waiter);
        timer.clear();
        signal?.removeEventListener("abort", abort);
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        after,
        settle: (found) => {
          leave();
          if (found instanceof HoldfastError) reject(found);
          else resolve(found);
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      timer.set(Math.min(Math.max(0, waitMs), MAX_TIMER_MS));
    });
  }

  /** There is a link. */
  found(machine: ConnectedMachine): void {
    for (const waiter of this.#waiting) if (waiter.after !== machine) waiter.settle(machine);
  }

  /** There will be none. */
  refuse(failure: HoldfastError): void {
    for (const waiter of this.#waiting) waiter.settle(failure);
  }
}

function tooMany(most: number): HoldfastError {
  const message = `${most} already wait for this connection`;
  return new HoldfastError({
    code: "too_many",
    message,
    kind: "throttled",
    fault: "local",
    retryAfterMs: 1_000,
  });
}
