// What a plugin is: schemes, a way to make links to a machine, how it is reconnected, and how its health is known. A
// new one is a folder beside `host/`, and one line that runs the compliance suite.
import type { Policy } from "@holdfast/core";
import type { Attempt, WakeSource } from "@holdfast/net";
import type { Destination } from "./destination.ts";
import type { Interaction } from "./interaction.ts";
import type { Machine } from "./machine.ts";

/** What not every plugin can do. */
export type Ability =
  | "processes"
  | "terminals"
  | "signals"
  | "forward"
  | "reverse_forward"
  | "files"
  | "system_info";

/** How often the far side is asked, and when it counts as dead. */
export interface HealthCheck {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Consecutive failures. */
  readonly failures: number;
  /** The plugin's machines outlive links, and judge them by themselves (`Machine.line`): nobody else asks them. */
  readonly byPlugin?: true;
}

/** For plugins whose machines outlive links: how they are to make them again. */
interface LinkSettings {
  readonly policy: Policy;
  readonly wakes: readonly WakeSource[];
}

/** What of the caller's surroundings belongs to a connection: kept for its retries, and no more than this. */
export interface CallerEnvironment {
  readonly SSH_AUTH_SOCK?: string | undefined;
  readonly PATH?: string | undefined;
  readonly HOME?: string | undefined;
  readonly DOCKER_HOST?: string | undefined;
}

export interface PluginContext {
  /** Identifies the connection for as long as it exists, over restarts of this process, too. */
  readonly connectionId: string;
  readonly environment: CallerEnvironment;
  /** Options of the plugin by name, as given: `identity_file`, `known_hosts` … Unknown ones are refused. */
  readonly options: Readonly<Record<string, string>>;
  /**
   * What is shared with the far side, in memory only: after a restart of this process there is none until somebody gives
   * it again. Asked for at each dial. Absent where nobody ever gives one.
   */
  readonly secret?: () => string | undefined;
  /** What a link learned that later ones need (a pinned host key, the container's id). Small, and never a secret. */
  readonly memory: Map<string, string>;
  /** Only `byPlugin`. */
  readonly links?: LinkSettings;
  /** Something outside says that a dial may succeed now: the container was started. */
  readonly wake: () => void;
  readonly warn: (text: string) => void;
}

/** One destination, ready to be dialled again and again. */
export interface Backend {
  /**
   * Make one link. With the first dial of a person who waits, `interaction` asks; in the background it rejects every
   * question with `auth_required`. Ends at once when `attempt.signal` aborts.
   */
  dial(attempt: Attempt, interaction: Interaction): Promise<Machine>;
  /**
   * The connection is ended for good: clean up what belongs to it alone. With `keep` a later process will open it again
   * under the same id: what is on the far side stays. Never called for a lost link.
   */
  dispose(how?: { readonly keep: boolean }): Promise<void>;
}

export interface Plugin {
  readonly name: string;
  /** Without `://`; each belongs to one plugin. */
  readonly schemes: readonly string[];
  /** `true`, or why not, as a sentence for people. */
  readonly abilities: Readonly<Record<Ability, true | string>>;
  /** The seed's numbers, for `--reconnect-policy preset`. None: links of this plugin are not made again. */
  readonly preset: Policy | undefined;
  readonly health: HealthCheck;
  /** How long a dial may take at least, in milliseconds, if that is more than the policy says. Only `byPlugin`. */
  readonly leastDialMs?: number;
  /** @throws HoldfastError `bad_destination`, `bad_option` (fatal). Does not connect. */
  open(destination: Destination, context: PluginContext): Backend | Promise<Backend>;
}
