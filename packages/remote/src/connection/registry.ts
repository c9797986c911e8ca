// Which plugin a destination belongs to: by its scheme, and by nothing else.
import { HoldfastError } from "@holdfast/core";
import type { Plugin } from "../plugin/plugin.ts";

/** Plugins by scheme. */
export type PluginRegistry = ReadonlyMap<string, Plugin>;

/** @throws HoldfastError `bad_config` (fatal) if two plugins claim one scheme. */
export function pluginRegistry(plugins: readonly Plugin[]): PluginRegistry {
  const registry = new Map<string, Plugin>();
  for (const plugin of plugins) {
    for (const scheme of plugin.schemes) {
      const other = registry.get(scheme);
      if (other !== undefined && other !== plugin) throw claimedTwice(scheme, other.name, plugin.name);
      registry.set(scheme, plugin);
    }
  }
  return registry;
}

/** @throws HoldfastError `unknown_scheme` (fatal) naming those that are known. */
export function pluginFor(registry: PluginRegistry, scheme: string): Plugin {
  const plugin = registry.get(scheme);
  if (plugin !== undefined) return plugin;
  const known = [...registry.keys()].map((name) => `${name}://`).join(", ");
  throw new HoldfastError({
    code: "unknown_scheme",
    message: `no plugin takes ${scheme}://`,
    hint: known === "" ? "no plugin is loaded" : `these are known: ${known}`,
    kind: "fatal",
    fault: "local",
  });
}

function claimedTwice(scheme: string, one: string, other: string): HoldfastError {
  const message = `the plugins ${one} and ${other} both claim ${scheme}://`;
  return new HoldfastError({ code: "bad_config", message, kind: "fatal", fault: "local" });
}
