// What needs a browser: wake signals.
export { browserWakes } from "./browser-wakes.ts";
export type { BrowserWakesOptions, MinimalEventTarget } from "./browser-wakes.ts";
