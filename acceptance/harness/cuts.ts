// Cuts of a live link, one after the other, each of them in the middle of bytes both ways, and counted.
import type { FaultyProxy, ProxiedConnection } from "@holdfast/net/testing";
import { pause, until } from "./condition.ts";

/** What a cut destroyed: bytes that the proxy had taken from one side and not yet given to the other. */
export interface CountedCut {
  readonly upBytes: number;
  readonly downBytes: number;
  /** How long the link had been there. */
  readonly afterMs: number;
}

export interface CutOptions {
  /** How long each link lives at least before it is cut. */
  readonly lifeMs: number;
  /** A cut waits until at least so many bytes are in flight each way. Default 1. */
  readonly leastBytes?: number;
  /** Stop after so many. Default: when told to. */
  readonly most?: number;
}

export class Cutter {
  /** At most `most`, or what fits until `stop`. */
  readonly cuts: CountedCut[] = [];
  readonly #proxy: FaultyProxy;
  readonly #options: Required<CutOptions>;
  #stopped = false;

  constructor(proxy: FaultyProxy, options: CutOptions) {
    this.#proxy = proxy;
    this.#options = { leastBytes: 1, most: Infinity, ...options };
  }

  /** Settles when `stop` was called or there were enough. */
  async run(): Promise<void> {
    const { lifeMs, leastBytes, most } = this.#options;
    while (!this.#stopped && this.cuts.length < most) {
      const link = await until("a link is there", () => this.#stopped || this.#live());
      if (link === true) return;
      const cameAt = performance.now();
      // The life of a link is part of what is tested, not a way to wait for something.
      await pause(lifeMs);
      const struck = await until("bytes are in flight each way", () => {
        if (this.#stopped || link.isClosed) return "over";
        const { up, down } = link;
        return up.inFlight >= leastBytes && down.inFlight >= leastBytes && "now";
      });
      if (struck === "over") continue;
      const count = { upBytes: link.up.inFlight, downBytes: link.down.inFlight };
      link.apply({ kind: "reset" });
      this.cuts.push({ ...count, afterMs: performance.now() - cameAt });
      await until("the cut link is closed", () => link.isClosed);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** `bytes in flight at each cut: up 3 to 9 KiB, down …` */
  describe(): string {
    const range = (each: (cut: CountedCut) => number): string => {
      const sizes = this.cuts.map(each).sort((a, b) => a - b);
      return `${kib(sizes[0])} to ${kib(sizes.at(-1))} KiB`;
    };
    return `in flight at each cut: up ${range((cut) => cut.upBytes)}, down ${range((cut) => cut.downBytes)}`;
  }

  #live(): ProxiedConnection | false {
    return this.#proxy.connections.find(({ isClosed }) => !isClosed) ?? false;
  }
}

function kib(bytes = 0): string {
  return (bytes / 1_024).toFixed(1);
}
