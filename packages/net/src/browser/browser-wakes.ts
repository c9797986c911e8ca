// Wakes that a browser gives: back online, the page is visible again, the page came back from the cache.
import type { WakeSource } from "../line.ts";

/** As much of an event target as is needed, so that this compiles without the types of a browser. */
export interface MinimalEventTarget {
  addEventListener(type: string, listener: (event: unknown) => void): void;
  removeEventListener(type: string, listener: (event: unknown) => void): void;
}

export interface BrowserWakesOptions {
  /** Where `online` and `pageshow` come from. Default: the global object, where it has events. */
  readonly window?: MinimalEventTarget;
  /** Where `visibilitychange` comes from. Default: the document, where there is one (not in a worker). */
  readonly document?: MinimalEventTarget & { readonly visibilityState?: string };
}

/** Wakes with `online` and with `visible`. Does nothing where there are no such events. */
export function browserWakes(options: BrowserWakesOptions = {}): WakeSource {
  return (wake) => {
    const window = options.window ?? (globalThis as Partial<MinimalEventTarget>);
    const document =
      options.document ?? (globalThis as { document?: BrowserWakesOptions["document"] }).document;
    const stops = [
      on(window, "online", () => wake("online")),
      // `persisted`: the page was frozen with its sockets, and they are dead.
      on(window, "pageshow", (event) => {
        if ((event as { persisted?: boolean } | null)?.persisted === true) wake("visible");
      }),
      on(document, "visibilitychange", () => {
        if (document?.visibilityState === "visible") wake("visible");
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  };
}

function on(
  target: Partial<MinimalEventTarget> | undefined,
  type: string,
  listener: (event: unknown) => void,
): () => void {
  target?.addEventListener?.(type, listener);
  return () => target?.removeEventListener?.(type, listener);
}
