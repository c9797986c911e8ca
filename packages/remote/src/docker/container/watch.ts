// While there is no link: watch the engine, and say when a dial may succeed: the container was started, or an engine
// that could not be reached answers again.
import type { Clock } from "@holdfast/core";
import type { Engine } from "../engine/engine.ts";
import { pause } from "../process/pause.ts";
import { followEvents } from "./events.ts";

export interface WatchOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Name or id. */
  readonly container: string;
  readonly wake: () => void;
}

const WAKING = new Set(["start", "unpause", "restart", "create", "rename"]);
const REOPEN_MS = 1_000;

export class Watch {
  readonly #stop = new AbortController();

  constructor(options: WatchOptions) {
    void this.#run(options);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run({ engine, clock, container, wake }: WatchOptions): Promise<void> {
    const { signal } = this.#stop;
    let answered = true;
    const say = (): void => {
      if (!signal.aborted) wake();
    };
    while (!signal.aborted) {
      try {
        await engine.ping(signal);
        if (!answered) say();
        answered = true;
        const { unavailable } = await followEvents(engine, container, signal, (action) => {
          if (WAKING.has(action)) say();
        });
        // Nothing to watch: the line's own retries have to do.
        if (unavailable) return;
        answered = false;
      } catch {
        answered = false;
      }
      await pause(clock, REOPEN_MS, signal).catch(() => undefined);
    }
  }
}
