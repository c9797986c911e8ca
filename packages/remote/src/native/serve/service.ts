// What the parts of a served machine share: the session, the machine, the counts, and what has to end with it.
import { HoldfastError, type Clock } from "@holdfast/core";
import type { SessionHandle } from "@holdfast/net/session";
import type { ConnectedMachine } from "../../connection/connection.ts";
import { linkLost } from "../failures.ts";
import { overLimit, type ServeLimits } from "../limits.ts";
import type { MachineSource, ServeEvent } from "./options.ts";

/** Something that lives until it is told to end. */
export interface Ending {
  /** Begin to end it. Safe to call again. */
  end(): void;
}

export interface ServiceOptions {
  readonly session: SessionHandle;
  readonly source: MachineSource;
  readonly name: string;
  readonly limits: ServeLimits;
  readonly killDelayMs: number;
  readonly clock: Clock;
  readonly onEvent: (event: ServeEvent) => void;
}

export class Service {
  readonly options: ServiceOptions;
  closing = false;
  /** Bounded by the limits: what runs, is connected, listens, or is asked. */
  readonly #live = new Set<Ending>();
  /** One count for each limit. */
  readonly #counts = new Map<keyof ServeLimits, number>();
  #idle: (() => void) | undefined = undefined;

  constructor(options: ServiceOptions) {
    this.options = options;
  }

  get session(): SessionHandle {
    return this.options.session;
  }

  count(what: keyof ServeLimits): number {
    return this.#counts.get(what) ?? 0;
  }

  /** The present machine. @throws HoldfastError what its source says. */
  async machine(): Promise<ConnectedMachine> {
    const { source } = this.options;
    return typeof source === "function" ? source() : source;
  }

  /**
   * Run something that counts against a limit and ends with the service.
   * @throws HoldfastError `limit`, `link_lost`.
   */
  async keep<T>(what: keyof ServeLimits, ending: Ending, run: () => Promise<T>): Promise<T> {
    if (this.closing) throw linkLost();
    const count = this.count(what);
    if (count >= this.options.limits[what]) throw overLimit(what, count);
    this.#counts.set(what, count + 1);
    this.#live.add(ending);
    try {
      return await run();
    } finally {
      this.#live.delete(ending);
      this.#counts.set(what, this.count(what) - 1);
      if (this.#live.size === 0) this.#idle?.();
    }
  }

  /** Resolves when nothing lives any more. */
  async endAll(): Promise<void> {
    this.closing = true;
    for (const ending of this.#live) ending.end();
    if (this.#live.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  event(event: ServeEvent): void {
    try {
      this.options.onEvent(event);
    } catch {
      // Whoever listens must not stop what it listens to.
    }
  }
}

export function brokenOff(): HoldfastError {
  return new HoldfastError({ code: "cancelled", message: "the other end broke it off", fault: "peer" });
}
