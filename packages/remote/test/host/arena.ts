// This machine as an arena, and how many handles of this process are open because of it.
import { randomUUID } from "node:crypto";
import { recordAttempt } from "@holdfast/net/compliance";
import type { PluginArena } from "../../src/compliance/index.ts";
import { hostPlugin } from "../../src/host/host-plugin.ts";
import type { HostPluginOptions } from "../../src/host/host-plugin.ts";
import { parseDestination } from "../../src/plugin/destination.ts";
import { UNATTENDED } from "../../src/plugin/interaction.ts";
import type { Machine } from "../../src/plugin/machine.ts";
import type { PluginContext } from "../../src/plugin/plugin.ts";

const KINDS = /Process|Pipe|TTY|TCP/;

/** Handles of the kinds that a link can open. */
export function countHandles(): number {
  return process.getActiveResourcesInfo().filter((kind) => KINDS.test(kind)).length;
}

/** What the test runner has open. */
const BEFORE = countHandles();

export async function hostArena(): Promise<PluginArena> {
  return {
    plugin: hostPlugin(),
    destination: "host://localhost",
    openHandles: () => countHandles() - BEFORE,
    cleanUp: () => Promise.resolve(),
  };
}

export function contextOf(parts: Partial<PluginContext> = {}): PluginContext {
  return {
    connectionId: randomUUID(),
    environment: {},
    options: {},
    memory: new Map(),
    wake: () => undefined,
    warn: () => undefined,
    ...parts,
  };
}

/** A link to this machine; the test closes it. */
export async function dialHost(
  options: HostPluginOptions = {},
  context: Partial<PluginContext> = {},
): Promise<Machine> {
  const backend = await hostPlugin(options).open(parseDestination("host://localhost"), contextOf(context));
  return backend.dial(recordAttempt(), UNATTENDED);
}
