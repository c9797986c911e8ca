// The plugin `host`: this machine, by `host://localhost`, with all that other machines offer.
import { HoldfastError, presets, type Clock } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { ownPlatform } from "../children.ts";
import { formatDestination, type Destination } from "../plugin/destination.ts";
import type { Ability, Backend, Plugin, PluginContext } from "../plugin/plugin.ts";
import { quoted } from "../plugin/peer-text.ts";
import { HOST_LIMITS, type HostLimits } from "./host-limits.ts";
import { HostMachine } from "./host-machine.ts";

export interface HostPluginOptions {
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: `HOST_LIMITS`. */
  readonly limits?: Partial<HostLimits>;
}

const HEALTH = { intervalMs: 5_000, timeoutMs: 5_000, failures: 3 };
const THIS_MACHINE = "localhost";

/** Processes and files of this machine, and connections from it. Its links end only by being closed. */
export function hostPlugin({ clock = systemClock, limits = {} }: HostPluginOptions = {}): Plugin {
  const all = { ...HOST_LIMITS, ...limits };
  return {
    name: "host",
    schemes: ["host"],
    abilities: abilities(),
    preset: presets["distant-host"],
    health: HEALTH,
    open: (destination, context) => {
      checkDestination(destination);
      checkOptions(context);
      return backend(context, clock, all);
    },
  };
}

function backend({ environment, warn }: PluginContext, clock: Clock, limits: HostLimits): Backend {
  /** One for each link, until it and all that it started has ended. */
  const machines = new Set<HostMachine>();
  const onEnd = (machine: HostMachine): void => {
    void machine.closeWholly().then(() => machines.delete(machine));
  };
  return {
    dial: async ({ signal, heard }) => {
      if (signal.aborted) throw HoldfastError.from(signal.reason);
      heard();
      const machine = new HostMachine({ caller: environment, clock, limits, heard, warn, onEnd });
      machines.add(machine);
      return machine;
    },
    async dispose() {
      await Promise.all([...machines].map((machine) => machine.closeWholly()));
    },
  };
}

function abilities(): Readonly<Record<Ability, true | string>> {
  const unix = ownPlatform() === "win32" ? "this needs a Unix system: Windows is not supported" : true;
  return {
    processes: true,
    terminals: unix,
    signals: unix,
    forward: true,
    reverse_forward: true,
    files: true,
    system_info: true,
  };
}

function checkDestination(destination: Destination): void {
  const { user, host, port, path } = destination;
  if (host === THIS_MACHINE && user === undefined && port === undefined && path === "") return;
  const message = `${formatDestination(destination)} is not this machine: host:// reaches no other`;
  const hint = "write host://localhost; another machine is reached by holdfast:// or ssh://";
  throw new HoldfastError({ code: "bad_destination", message, hint, kind: "fatal", fault: "local" });
}

function checkOptions({ options }: PluginContext): void {
  const [unknown] = Object.keys(options);
  if (unknown === undefined) return;
  const message = `the plugin host has no option ${quoted(unknown)}`;
  const hint = "it has no options at all";
  throw new HoldfastError({ code: "bad_option", message, hint, kind: "fatal", fault: "local" });
}
