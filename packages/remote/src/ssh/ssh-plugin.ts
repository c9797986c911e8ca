// The `ssh` plugin: machines behind an sshd, by the user's own ssh configuration, keys and known hosts.
import { HoldfastError, presets } from "@holdfast/core";
import type { Attempt } from "@holdfast/net";
import type { Destination } from "../plugin/destination.ts";
import { formatDestination } from "../plugin/destination.ts";
import type { Interaction } from "../plugin/interaction.ts";
import type { Machine } from "../plugin/machine.ts";
import type { Backend, Plugin, PluginContext } from "../plugin/plugin.ts";
import { parseOptions } from "./options.ts";
import type { SshOptions } from "./options.ts";
import { reach } from "./route.ts";
import { SshMachine } from "./ssh-machine.ts";

/** `ssh://[user@]host[:port]`. */
export const sshPlugin: Plugin = {
  name: "ssh",
  schemes: ["ssh"],
  abilities: {
    processes: true,
    terminals: true,
    signals: true,
    forward: true,
    reverse_forward: true,
    files: true,
    system_info: true,
  },
  preset: presets["distant-ssh"],
  health: { intervalMs: 2_000, timeoutMs: 5_000, failures: 3 },
  open: (destination, context) => {
    if (destination.path !== "") throw hasPath(destination);
    return new SshBackend(destination, parseOptions(context.options), context);
  },
};

class SshBackend implements Backend {
  readonly #destination: Destination;
  readonly #options: SshOptions;
  readonly #context: PluginContext;

  constructor(destination: Destination, options: SshOptions, context: PluginContext) {
    this.#destination = destination;
    this.#options = options;
    this.#context = context;
  }

  async dial(attempt: Attempt, interaction: Interaction): Promise<Machine> {
    const { host, user, port } = this.#destination;
    const signal = attempt.signal as AbortSignal;
    const how = { context: this.#context, options: this.#options, interaction, signal };
    try {
      const arrived = await reach({ host, user, port }, how);
      if (!signal.aborted) return new SshMachine(arrived, attempt, this.#context.warn);
      arrived.socket.destroy();
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
    // However far it had come, and whatever that part of it says when it is stopped.
    throw signal.reason as Error;
  }

  /** Nothing outlives a link. */
  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

function hasPath(destination: Destination): HoldfastError {
  const message = `${formatDestination(destination)} has a path, which means nothing to ssh`;
  const hint = "a destination of ssh is such as ssh://me@server:22";
  return new HoldfastError({ code: "bad_destination", message, hint, kind: "fatal", fault: "local" });
}
