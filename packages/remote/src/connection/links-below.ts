// What is shown of a connection whose machine outlives links: not its one link, which is the machine and is up as long
// as that lives, but the links below, one after another. Their epochs count as the connection's own.
import type { Liveness, Status, WakeReason } from "@holdfast/core";
import type { Interaction } from "../plugin/interaction.ts";
import type { LineBelow, Machine } from "../plugin/machine.ts";

/** Ends of a line below that say that there shall be no more links. */
const FINAL: ReadonlySet<string> = new Set(["gave_up", "vetoed", "not_reconnecting"]);

export class LinksBelow {
  readonly #onChange: () => void;
  #line: LineBelow | undefined = undefined;
  /** Links that earlier machines had beyond the first of each. */
  #earlier = 0;
  #since: number | undefined = undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** This machine is the present one; `since`: it took the place of another that was up since then. */
  follow({ line }: Machine, since?: number): void {
    if (line === this.#line) return;
    this.#earlier = this.#more;
    this.#since = since;
    this.#line = line;
    if (line !== undefined) void this.#watch(line);
  }

  /** What was shown until now is counted elsewhere. */
  restart(): void {
    this.#line = undefined;
    this.#earlier = 0;
  }

  /** There are links below, and none of them is up. */
  get away(): boolean {
    const state = this.#line?.status.state;
    return state !== undefined && state !== "connected";
  }

  /** There are links below. */
  get present(): boolean {
    return this.#line !== undefined;
  }

  /** Those below were told to make no more links, or to stop at some time. */
  get over(): boolean {
    const status = this.#line?.status;
    return status?.state === "disconnected" && FINAL.has(status.reason.code);
  }

  get liveness(): Liveness | undefined {
    return this.#line?.liveness;
  }

  wake(reason: WakeReason): void {
    this.#line?.wake(reason);
  }

  /** Rejects with what came of the question. */
  async answer(interaction: Interaction): Promise<void> {
    await this.#line?.answer(interaction);
  }

  /** The status of the line above, as it is to be seen. */
  show(above: Status): Status {
    const epoch = above.epoch + this.#more;
    const below = this.#line?.status;
    if (above.state !== "connected" || below === undefined) return { ...above, epoch };
    const lastHeard = latest(above.lastHeard, below.lastHeard);
    switch (below.state) {
      case "connected": {
        // Of the first link of a machine, the line above knows best.
        const since = below.epoch > 1 ? below.since : (this.#since ?? above.since);
        return { ...below, epoch, lastHeard, since };
      }
      case "auth_required":
        return { ...below, epoch, lastHeard };
      case "connecting":
      case "reconnecting":
        return { ...below, state: "reconnecting", epoch, lastHeard };
      case "disconnected": {
        // The line above hears of it in the same moment.
        const { since, failures, failure, draining } = below;
        const now = { since, failures, failure, draining, attempt: 1 } as const;
        return { ...now, state: "reconnecting", phase: "dialing", epoch, lastHeard };
      }
    }
  }

  get #more(): number {
    return this.#earlier + Math.max(0, (this.#line?.status.epoch ?? 1) - 1);
  }

  async #watch(line: LineBelow): Promise<void> {
    for await (const _ of line.changes()) {
      if (line !== this.#line) return;
      this.#onChange();
    }
  }
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}
