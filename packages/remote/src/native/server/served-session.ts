// One client's session, and the machine that it has of this server.
import type { Clock } from "@holdfast/core";
import type { SessionStream } from "@holdfast/core/session";
import type { AcceptedSession } from "@holdfast/net/session";
import type { Machine } from "../../plugin/machine.ts";
import type { ServeLimits } from "../limits.ts";
import type { MachineService } from "../serve/options.ts";
import { serveMachine } from "../serve/serve-machine.ts";
import { ownerIdOf } from "./admittance.ts";
import type { MachineServerEvent, ServedClient } from "./options.ts";

export interface ServedSessionOptions {
  readonly session: AcceptedSession;
  readonly number: number;
  readonly machine: () => Promise<Machine>;
  readonly serveLimits: Partial<ServeLimits> | undefined;
  readonly clock: Clock;
  readonly onEvent: (event: MachineServerEvent) => void;
}

export class ServedSession {
  /** Settles when the session has ended and nothing that it started is left. */
  readonly done: Promise<void>;
  readonly #options: ServedSessionOptions;
  readonly #service: MachineService;
  #machine: Promise<Machine> | undefined = undefined;

  constructor(options: ServedSessionOptions) {
    const { session, serveLimits, clock, onEvent } = options;
    this.#options = options;
    this.#service = serveMachine(session, () => this.#present(), {
      ...(serveLimits && { limits: serveLimits }),
      clock,
      onEvent: (event) => onEvent({ ...event, ...this.client }),
    });
    this.done = this.#finish();
  }

  get client(): ServedClient {
    const { session, number } = this.#options;
    return { session: number, remoteAddress: session.remoteAddress, ownerId: ownerIdOf(session.hello) };
  }

  get ended(): boolean {
    return this.#options.session.end !== undefined;
  }

  get attached(): boolean {
    return !this.ended && this.#options.session.attached;
  }

  get processes(): number {
    return this.#service.processes;
  }

  take(stream: SessionStream): boolean {
    return this.#service.take(stream);
  }

  async close(): Promise<void> {
    await this.#service.close();
    await this.done;
  }

  /** One for the session; a failure is told to who asked, and the next request tries again. */
  #present(): Promise<Machine> {
    if (this.#machine === undefined) {
      const machine = this.#options.machine();
      this.#machine = machine;
      machine.catch(() => {
        if (this.#machine === machine) this.#machine = undefined;
      });
    }
    return this.#machine;
  }

  async #finish(): Promise<void> {
    await this.#service.ended;
    const machine = await this.#machine?.catch(() => undefined);
    machine?.close();
  }
}
