// Links that were replaced: each ends when nothing runs over it any more, or when its time is over.
import { HoldfastError, type Clock, type Timer } from "@holdfast/core";
import type { MachineLink } from "./machine-link.ts";

/** More than so many do not stand beside the present link: the oldest ends. */
const MOST_DRAINING = 4;

export class DrainingLinks {
  /** At most `MOST_DRAINING`. */
  readonly #links = new Map<MachineLink, Timer>();
  readonly #clock: Clock;
  readonly #drainMs: number;

  constructor(clock: Clock, drainMs: number) {
    this.#clock = clock;
    this.#drainMs = drainMs;
  }

  add(link: MachineLink): void {
    const { machine } = link;
    if (machine === undefined || machine.idle || !link.live) return link.end(replaced());
    const timer = this.#clock.timer(() => this.#end(link));
    timer.set(this.#drainMs);
    this.#links.set(link, timer);
    machine.onIdle = () => this.#end(link);
    link.onOrphaned = () => this.#end(link);
    const [oldest] = this.#links.keys();
    if (this.#links.size > MOST_DRAINING && oldest !== undefined) this.#end(oldest);
  }

  endAll(): void {
    for (const link of this.#links.keys()) this.#end(link);
  }

  #end(link: MachineLink): void {
    this.#links.get(link)?.clear();
    if (this.#links.delete(link)) link.end(replaced());
  }
}

function replaced(): HoldfastError {
  const message = "another link took the place of this one";
  return new HoldfastError({ code: "link_replaced", message, fault: "local" });
}
