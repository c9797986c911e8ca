// The link that a line sees: it stays while the plugin's link behind it is replaced by a new one.
import type { HoldfastError } from "@holdfast/core";
import type { Attempt, Link } from "@holdfast/net";
import type { CountedMachine } from "./counted-machine.ts";
import type { MachineLink } from "./machine-link.ts";

export class Carrier implements Link {
  machine: CountedMachine;
  readonly #attempt: Attempt;
  #link: MachineLink;

  constructor(link: MachineLink, machine: CountedMachine, attempt: Attempt) {
    this.#link = link;
    this.machine = machine;
    this.#attempt = attempt;
  }

  get localAddress(): string | undefined {
    return this.machine.link.localAddress;
  }

  get reconnectWindowMs(): number | undefined {
    return this.machine.link.reconnectWindowMs;
  }

  /** Its deadline and its failures are counted by the link's own health. */
  ping(): void {
    this.#link.ping();
  }

  close(reason: HoldfastError): void {
    this.#link.end(reason);
  }

  /** The next link takes the place of this one, which is handed back. What was heard last is the new handshake. */
  swap(next: MachineLink, machine: CountedMachine): MachineLink {
    const old = this.#link;
    old.unback();
    this.#link = next;
    this.machine = machine;
    // What the old link has not been acknowledged is no debt of the new one.
    this.#attempt.progress(0, 0);
    next.back(this.#attempt);
    this.#attempt.heard();
    return old;
  }
}
