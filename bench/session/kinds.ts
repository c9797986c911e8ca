// The links that sessions are measured over, each beside the bare thing.
export const KINDS = ["tcp", "tls", "ws", "ws, JavaScript only"] as const;
export type Kind = (typeof KINDS)[number];

/** A bare connection for each stream, or all streams in one session. */
export type How = "bare" | "session";

/** `ws` masks in native code if `bufferutil` is installed, unless it is told not to. */
export function environmentOf(kind: Kind): Readonly<Record<string, string>> {
  return kind === "ws, JavaScript only" ? { WS_NO_BUFFER_UTIL: "1" } : {};
}

export function transportOf(kind: Kind): "tcp" | "tls" | "ws" {
  return kind === "tcp" || kind === "tls" ? kind : "ws";
}

/** What the first byte of a pipe asks for. */
export const MODE = {
  /** Swallow what comes, and print how much it was. */
  sink: "s",
  echo: "e",
  /** Send for as long as somebody reads. */
  source: "d",
  /** Answer with the hash of what came, once it has ended. */
  hash: "h",
} as const;

/** Whoever is cut off comes back within this window, at random: the least that makes sense for one client. */
export const WINDOW_MS = 250;
