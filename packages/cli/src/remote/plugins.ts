// The plugins of the daemon: what each scheme of a destination means.
import { docker, hostPlugin, pluginRegistry, sshPlugin, type PluginRegistry } from "@holdfast/remote";
import type { Context } from "../command.ts";

export function pluginsOf(_context: Context): PluginRegistry {
  return pluginRegistry([hostPlugin(), sshPlugin, docker()]);
}
