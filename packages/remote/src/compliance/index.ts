// The suite that every plugin passes.
export { pluginCases, pluginCompliance } from "./plugin-compliance.ts";
export type { PluginArena } from "./plugin-arena.ts";
export type { PluginExceptions } from "./plugin-case.ts";
