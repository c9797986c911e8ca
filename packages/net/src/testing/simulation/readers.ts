// Those who watch a line: some read at once, some sleep between two looks. Whoever reads to the end must see the
// last epoch and the end, and nobody may ever see an epoch fall.
import type { Status } from "@holdfast/core";
import type { Host, World } from "@holdfast/core/testing";
import type { Line } from "../../line.ts";
import type { Ledger } from "./ledger.ts";

export class Reader {
  seen = 0;
  last: Status | undefined = undefined;
  finished = false;
  readonly #world: World;
  readonly #host: Host;

  constructor(world: World, host: Host) {
    this.#world = world;
    this.#host = host;
  }

  async read(line: Pick<Line, "changes">, sleepMs: number): Promise<void> {
    for await (const status of line.changes()) {
      this.#judge(status);
      this.last = status;
      this.seen += 1;
      if (sleepMs > 0) await this.#sleep(sleepMs);
    }
    this.finished = true;
  }

  /** To be called long after the end. */
  judgeEnd(ledger: Ledger): void {
    const { last } = this;
    if (!this.finished) this.#world.fail("I5", "a reader was never told that it is over");
    if (last?.state !== "disconnected")
      this.#world.fail("I5", `the last that a reader saw is ${last?.state}`);
    if (last.epoch !== ledger.opens)
      this.#world.fail("I3", `a reader saw epoch ${last.epoch} of ${ledger.opens}`);
  }

  #judge(status: Status): void {
    const { last } = this;
    if (last?.state === "disconnected") this.#world.fail("I5", `${status.state} after the end`);
    if (last !== undefined && status.epoch < last.epoch) this.#world.fail("I3", "the epoch fell");
    if (status.state === "connected" && status.epoch === 0)
      this.#world.fail("I3", "connected without an epoch");
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.after(ms, () => this.#host.deliver(resolve));
    });
  }
}

/** A signal that counts its listeners: after the end there must be none. */
export class CountedSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly listeners: Set<() => void> = new Set();

  addEventListener(_type: "abort", listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(): void {
    this.aborted = true;
    this.reason = new Error("aborted by the user");
    for (const listener of this.listeners) listener();
  }
}
