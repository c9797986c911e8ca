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
/** An event may come late, or before anybody listens: nothing says when an engine has begun to send them. */
const LOOK_MS = 2_000;

export class Watch {
  readonly #stop = new AbortController();

  constructor(options: WatchOptions) {
    void this.#run(options);
    void this.#look(options);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Say once for each time that it is seen to have been started. */
  async #look({ engine, clock, container, wake }: WatchOptions): Promise<void> {
    const { signal } = this.#stop;
    let ran = false;
    while (!signal.aborted) {
      await pause(clock, LOOK_MS, signal).catch(() => undefined);
      const runs = await engine.inspect(container, signal).then(
        ({ running, paused }) => running && !paused,
        () => false,
      );
      if (runs && !ran && !signal.aborted) wake();
      ran = runs;
    }
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
        // Without events the looks have to do.
        if (unavailable) return;
        answered = false;
      } catch {
        answered = false;
      }
      await pause(clock, REOPEN_MS, signal).catch(() => undefined);
    }
  }
}
