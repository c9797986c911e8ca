// How a request uses a machine whose links come and go. What has not been sent waits for the next link. What only looks
// is asked again over the next link; what changes something is not, and says that it may have been done.
import { HoldfastError } from "@holdfast/core";
import type { ConnectedMachine } from "../../connection/connection.ts";
import { mayHaveRunFailure } from "../wire/errors.ts";

/**
 * The machine by the present link, or by the next one: not by `after`, which is known to be gone. To give `after` again
 * says that it is as good as any: what it answers is the last word.
 * @throws what keeps a link from coming; the signal's reason.
 */
export type MachineOf = (wait: {
  readonly signal: AbortSignal;
  readonly after?: ConnectedMachine | undefined;
}) => Promise<ConnectedMachine>;

export interface MachineUseOptions {
  readonly machineOf: MachineOf;
  readonly signal: AbortSignal;
  /** How often one request is asked. */
  readonly tries: number;
}

type Work<T> = (machine: ConnectedMachine) => Promise<T>;

export class MachineUse {
  readonly #options: MachineUseOptions;

  constructor(options: MachineUseOptions) {
    this.#options = options;
  }

  /** Work that changes nothing. */
  look<T>(work: Work<T>): Promise<T> {
    return this.#run(work, true);
  }

  /** Work whose first step sends it all: what fails with `not_connected` was not sent. */
  change<T>(work: Work<T>): Promise<T> {
    return this.#run(work, false);
  }

  async #run<T>(work: Work<T>, again: boolean): Promise<T> {
    const { machineOf, signal, tries } = this.#options;
    let after: ConnectedMachine | undefined;
    for (let attempt = 1; ; attempt++) {
      const machine = await machineOf({ signal, after });
      try {
        return await work(machine);
      } catch (thrown) {
        const failure = HoldfastError.from(thrown);
        if (failure.code === "link_lost" && !again) throw mayHaveRunFailure(failure);
        const unsent = failure.code === "not_connected" && machine !== after;
        if (attempt >= tries || (!unsent && failure.code !== "link_lost")) throw failure;
        after = machine;
      }
    }
  }
}

/** Work in several steps, of which some are done: from now on a missing link means that it is half done. */
export async function halfDone<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const failure = HoldfastError.from(thrown);
    if (failure.code !== "not_connected") throw failure;
    throw new HoldfastError({ code: "link_lost", message: failure.text, cause: failure });
  }
}
