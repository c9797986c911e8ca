// What a link to a machine can do, whatever the plugin behind it: processes, connections both ways, files, and facts
// about the system. A link dies with its network; whoever outlives it (forwards, subscriptions) holds a connection.
import type { Line, Link } from "@holdfast/net";
import type { Interaction } from "./interaction.ts";
import type { Connecting, Listening } from "./network.ts";
import type { Files } from "./files.ts";
import type { Process, ProcessRequest } from "./process.ts";

export interface SystemInfo {
  /** `unix` or `windows`. */
  readonly family: string;
  /** As `process.platform` says it: `linux`, `darwin` … */
  readonly os: string;
  /** `x64`, `arm64` … */
  readonly arch: string;
  readonly currentDirectory: string;
  readonly username: string;
  readonly shell: string;
}

/** What keeps making links below a machine that outlives them. */
export interface LineBelow extends Pick<Line, "status" | "liveness" | "changes" | "wake"> {
  /** A person is there for what `auth_required` asks: ask, and dial. Rejects with what came of the question. */
  answer(interaction: Interaction): Promise<void>;
}

/**
 * A live link to a machine. Once it has ended, everything that is asked of it rejects with `not_connected`, at once;
 * what was under way rejects with `link_lost`.
 */
export interface Machine extends Link, Connecting, Listening {
  /** Only of a machine that outlives links: the truth about them, which is what is shown while it lives. */
  readonly line?: LineBelow;
  /** Likewise: streams that are open in what outlives links, and go on after an outage. */
  readonly openStreams?: number;
  readonly files: Files;
  /**
   * Start a process. Resolves when it was started. Where a shell of the far side starts it, an unknown program or
   * directory is known only by the end: exit code 127, or another one that is not 0.
   * @throws HoldfastError `bad_environment`, `not_found`, `permission_denied`, `unsupported` (all fatal), or `link_lost`.
   */
  start(request: ProcessRequest): Promise<Process>;
  systemInfo(): Promise<SystemInfo>;
  /**
   * Ask the far side for a sign of life, and report it by `attempt.heard`; rejects if it gives none. The caller limits
   * the time.
   */
  ping(): Promise<void>;
}
