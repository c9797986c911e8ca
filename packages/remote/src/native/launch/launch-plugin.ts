// The plugin `launch`: `launch+ssh://me@server` is a machine that has no server of ours yet. One is started there, for
// this connection alone, and reached through the machine's own links: no port is open to anybody, and what runs survives
// the loss of the ssh connection.
import { HoldfastError } from "@holdfast/core";
import type { Destination } from "../../plugin/destination.ts";
import type { Backend, Plugin, PluginContext } from "../../plugin/plugin.ts";
import { HEALTH, sessionBackend, type HoldfastPluginOptions } from "../plugin/holdfast-plugin.ts";
import { LaunchAccess } from "./launch-access.ts";

/** What stands before the scheme of the plugin that leads to the machine. */
const PREFIX = "launch+";
/** This plugin's own option; all others are of the plugin that leads to the machine. */
const PROGRAM = "holdfast";

/** A program has to be started there, which takes its time on a small machine. */
const LEAST_DIAL_MS = 60_000;

export interface LaunchPluginOptions extends Omit<HoldfastPluginOptions, "access" | "optionNames"> {
  /** What leads to machines: each of their schemes has one here, with `launch+` before it. */
  readonly through: readonly Plugin[];
}

/** Machines by `launch+ssh://…`; option `holdfast`: the program there, default `holdfast`. */
export function launchPlugin(options: LaunchPluginOptions): Plugin {
  const { through } = options;
  return {
    name: "launch",
    schemes: through.flatMap(({ schemes }) => schemes.map((scheme) => `${PREFIX}${scheme}`)),
    abilities: {
      processes: true,
      terminals: true,
      signals: true,
      forward: true,
      reverse_forward: true,
      files: true,
      system_info: true,
    },
    preset: {},
    health: HEALTH,
    leastDialMs: LEAST_DIAL_MS,
    open: (destination, context) => open(options, destination, context),
  };
}

async function open(
  options: LaunchPluginOptions,
  destination: Destination,
  context: PluginContext,
): Promise<Backend> {
  const scheme = destination.scheme.slice(PREFIX.length);
  const plugin = options.through.find(({ schemes }) => schemes.includes(scheme));
  if (plugin === undefined) throw new TypeError(`launch has no plugin for ${scheme}`);
  const { [PROGRAM]: program = "holdfast", ...theirs } = context.options;
  checkProgram(program);
  const backend = await plugin.open({ ...destination, scheme }, { ...context, options: theirs });
  const access = new LaunchAccess(backend, program);
  return sessionBackend({ ...options, access, name: "", context });
}

/** It becomes a word of a command line on the machine. */
function checkProgram(program: string): void {
  if (/^[^-\p{Cc}][^\p{Cc}]*$/u.test(program)) return;
  const message = `${JSON.stringify(program)} is no program: it is empty, begins with -, or has control characters`;
  throw new HoldfastError({ code: "bad_option", message, kind: "fatal", fault: "local" });
}
