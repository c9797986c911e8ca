// So many at a time; the rest waits for its turn, in order.
import { HoldfastError } from "@holdfast/core";
import type { SessionMachineLimits } from "../limits.ts";

interface Turn {
  readonly go: () => void;
  readonly refuse: (failure: HoldfastError) => void;
}

export class Gate {
  readonly #limits: SessionMachineLimits;
  /** At most `waitingRequests`. */
  readonly #waiting: Turn[] = [];
  #running = 0;

  constructor(limits: SessionMachineLimits) {
    this.#limits = limits;
  }

  /** @throws HoldfastError `limit` (transient) if too many wait; what `close` was given; what `run` throws. */
  async pass<T>(run: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.requests) await this.#turn();
    else this.#running += 1;
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.go();
    }
  }

  /** Those that wait are refused. */
  close(failure: HoldfastError): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(failure);
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#limits.waitingRequests) throw crowded(this.#waiting.length);
    return new Promise((go, refuse) => this.#waiting.push({ go, refuse }));
  }
}

function crowded(waiting: number): HoldfastError {
  const message = `${waiting} requests wait for this machine already`;
  const hint = "wait for answers before you ask for more";
  return new HoldfastError({ code: "limit", message, hint, fault: "local" });
}
