// The machine of a connection for as long as an api runs: a session with the daemon, and the next one if the daemon has
// ended. Waiting for a link of the connection is the daemon's, request by request.
import type { CallerEnvironmentJson } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { openRemoteMachine, type DaemonClient, type MachineOf, type RemoteMachine } from "@holdfast/remote";

/** A daemon that dies as often as this while it is asked may die of what it is asked. */
const TRIES = 5;
const CLOSE_MS = 2_000;

export interface KeptMachineOptions {
  readonly client: DaemonClient;
  /** The connection's. */
  readonly id: number;
  readonly environment: CallerEnvironmentJson;
  /** There is a session with another daemon: what ran through the last one is gone. */
  readonly onNext: () => void;
}

export class KeptMachine {
  readonly #options: KeptMachineOptions;
  #remote: Promise<RemoteMachine> | undefined = undefined;
  #sessions = 0;

  constructor(options: KeptMachineOptions) {
    this.#options = options;
  }

  /** A session that lives is as good as any, also for who has met a link that is gone. */
  readonly machineOf: MachineOf = async ({ signal }) => {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      const opening = (this.#remote ??= this.#open());
      try {
        const { machine, failure } = await opening;
        if (failure === undefined) return machine;
        this.#forget(opening);
      } catch (thrown) {
        this.#forget(opening);
        const failure = HoldfastError.from(thrown);
        if (failure.code !== "daemon_lost" || attempt >= TRIES) throw failure;
      }
    }
  };

  /** One that is still being opened, because the daemon is gone, is not waited for long. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
    const closed = this.#remote?.then((remote) => remote.close()).catch(() => undefined);
    await Promise.race([closed, late]);
    clearTimeout(timer);
  }

  async #open(): Promise<RemoteMachine> {
    const { client, id, environment, onNext } = this.#options;
    const remote = await openRemoteMachine({ client, id, environment });
    this.#sessions += 1;
    if (this.#sessions > 1) onNext();
    return remote;
  }

  #forget(opening: Promise<RemoteMachine>): void {
    if (this.#remote === opening) this.#remote = undefined;
  }
}
