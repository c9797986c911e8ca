// What the suite needs of a plugin: a destination that works, and a way to cut its link for real. And the stage that
// every case plays on: one dialled link, with what was reported about it.
import { randomUUID } from "node:crypto";
import type { RecordedAttempt } from "@holdfast/net/compliance";
import { recordAttempt } from "@holdfast/net/compliance";
import { parseDestination } from "../plugin/destination.ts";
import type { Destination } from "../plugin/destination.ts";
import { UNATTENDED } from "../plugin/interaction.ts";
import type { Machine } from "../plugin/machine.ts";
import type { Backend, Plugin, PluginContext } from "../plugin/plugin.ts";
import { soon } from "./demands.ts";

/** A plugin with a machine to reach. Made anew for each case; what is costly may be shared by the arenas. */
export interface PluginArena {
  readonly plugin: Plugin;
  /** Reached without a question. */
  readonly destination: Destination | string;
  /** What the plugin needs to know beside the defaults: no options, an empty memory, no environment. */
  readonly context?: Partial<PluginContext>;
  /**
   * Kill the transport of every link there is, so that both ends lose it: kill the server's process, reset the socket.
   * Only a plugin that is excepted from `cut` may lack it.
   */
  cut?(): Promise<void> | void;
  /** Make the destination reachable again after `cut`. Without it, it is reachable at once. */
  restore?(): Promise<void> | void;
  /** The address of this machine as the far one sees it. Default `127.0.0.1`. */
  readonly thisMachine?: string;
  /** The address at which we reach a port on which the far machine listens. Default `127.0.0.1`. */
  readonly farMachine?: string;
  /** A folder on the machine in which each case makes one of its own. Default `/tmp`. */
  readonly folder?: string;
  /**
   * How many connections, processes and timers of the plugin are open on this side; 0 while it has no link.
   * Default: not asked.
   */
  readonly openHandles?: () => number | Promise<number>;
  cleanUp(): Promise<void>;
}

/** A case's link, and all that is known of it. */
export interface Stage {
  readonly arena: PluginArena;
  readonly backend: Backend;
  readonly machine: Machine;
  readonly attempt: RecordedAttempt;
  /** Another link to the same destination, closed at the end of the case. */
  another(): Promise<{ readonly machine: Machine; readonly attempt: RecordedAttempt }>;
}

/** Open the plugin, dial, play, and clean up. */
export async function onStage(arena: PluginArena, play: (stage: Stage) => Promise<void>): Promise<void> {
  const backend = await openBackend(arena);
  // At most what one case dials.
  const machines: Machine[] = [];
  const another = async (): Promise<{ machine: Machine; attempt: RecordedAttempt }> => {
    const attempt = recordAttempt();
    const machine = await soon(backend.dial(attempt, UNATTENDED), "the dial");
    machines.push(machine);
    return { machine, attempt };
  };
  try {
    await play({ arena, backend, another, ...(await another()) });
  } finally {
    for (const machine of machines) machine.close();
    await soon(backend.dispose(), "dispose");
  }
}

export async function openBackend({ plugin, destination, context }: PluginArena): Promise<Backend> {
  const where = typeof destination === "string" ? parseDestination(destination) : destination;
  return plugin.open(where, {
    connectionId: randomUUID(),
    environment: {},
    options: {},
    memory: new Map(),
    wake: () => undefined,
    warn: () => undefined,
    ...context,
  });
}

/** A folder of the case's own on the machine. */
export async function withFolder(
  { arena, machine }: Stage,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = `${arena.folder ?? "/tmp"}/holdfast-compliance-${randomUUID()}`;
  await soon(machine.files.makeDirectory(folder), "a new directory");
  try {
    await use(folder);
  } finally {
    await soon(machine.files.remove(folder, { recursive: true }), "removing the case's directory");
  }
}
