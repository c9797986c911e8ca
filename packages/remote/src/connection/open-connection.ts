// Opening a connection: the destination is understood, its plugin found, every setting checked, and the first dial
// begun.
import { HoldfastError, resolveConfig, type Clock, type Policy, type Random } from "@holdfast/core";
import { systemClock, type WakeSource } from "@holdfast/net";
import { parseDestination } from "../plugin/destination.ts";
import { UNATTENDED, type Interaction } from "../plugin/interaction.ts";
import type { CallerEnvironment, HealthCheck, Plugin, PluginContext } from "../plugin/plugin.ts";
import type { Connection } from "./connection.ts";
import { livenessTimeoutMs } from "./health.ts";
import { KeptConnection, type ConnectionLimits } from "./kept-connection.ts";
import { pluginFor, type PluginRegistry } from "./registry.ts";
import type { WhyNot } from "./shown-status.ts";

export interface OpenConnectionOptions {
  /** What is there to open it with; see `pluginRegistry`. */
  readonly plugins: PluginRegistry;
  /** `scheme://user@host:port/path`. */
  readonly destination: string;
  /** Names the connection for as long as it exists, over restarts of this process, too. */
  readonly id: string;
  /** Names it to its plugin, for what that makes on the far side: among the connections of all processes. Default: `id`. */
  readonly unique?: string;
  /** Options of the plugin, by name. Default: none. */
  readonly options?: Readonly<Record<string, string>>;
  /**
   * How it is dialled again: for ever by default; `preset` is the plugin's own. Heartbeats are `health`, and whether
   * it is dialled again at all is `reconnect`.
   */
  readonly policy?: Omit<Policy, "heartbeat" | "reconnect"> | "preset";
  /** `false`: disconnected at once after a loss, until somebody calls `reconnect()`. Default `true`. */
  readonly reconnect?: boolean;
  /** Default: the plugin's. */
  readonly health?: HealthCheck;
  /** Who is asked while the first dial runs. Default: nobody. */
  readonly interaction?: Interaction;
  /** Default: nothing. Looked at again by each dial, as far as its plugin does. */
  readonly environment?: CallerEnvironment;
  /** What is shared with the far side; asked for at each dial that needs it. Default: nothing. */
  readonly secret?: () => string | undefined;
  /** What links learned before, as of an earlier process; kept up to date. Default: an empty one. */
  readonly memory?: Map<string, string>;
  readonly limits?: Partial<ConnectionLimits>;
  /** Changes of the network, sleep: see `systemWakes`. Default: none. */
  readonly wakes?: readonly WakeSource[];
  /** Default: nothing. */
  readonly onWarning?: (warning: HoldfastError) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. For jitter only. */
  readonly random?: Random;
}

const LIMITS: ConnectionLimits = {
  waitMs: 30_000,
  maxWaiting: 1_024,
  maxForwards: 256,
  drainMs: 30_000,
  questionMs: 600_000,
  disposeMs: 10_000,
};

/**
 * Open a connection. It resolves when the first dial has begun, not when there is a link.
 * @throws HoldfastError `bad_destination`, `unknown_scheme`, `bad_option`, `bad_config` (all fatal). Everything later is
 * in the connection's status.
 */
export async function openConnection(options: OpenConnectionOptions): Promise<Connection> {
  const { id, destination: text, clock = systemClock } = options;
  const destination = parseDestination(text);
  const plugin = pluginFor(options.plugins, destination.scheme);
  const check = options.health ?? plugin.health;
  const policy = checkedPolicy(options, plugin, check);
  const wakes = options.wakes ?? [];
  let kept: KeptConnection | undefined = undefined;
  const warn = (warning: HoldfastError): void => warnSafely(options.onWarning, warning);
  const context: PluginContext = {
    connectionId: options.unique ?? id,
    environment: options.environment ?? {},
    options: options.options ?? {},
    ...(options.secret && { secret: options.secret }),
    memory: options.memory ?? new Map<string, string>(),
    ...(check.byPlugin && { links: { policy: policyBelow(options, policy, check), wakes } }),
    wake: () => kept?.wake(),
    warn: (warning) => warn(new HoldfastError({ code: "plugin_warning", message: warning, fault: "local" })),
  };
  const backend = await plugin.open(destination, context);
  kept = new KeptConnection({
    id,
    destination: text,
    plugin,
    backend,
    policy: { ...policy, ...longEnough(policy, plugin) },
    check,
    whyNot: whyNotOf(options, plugin),
    interaction: options.interaction ?? UNATTENDED,
    limits: { ...LIMITS, ...options.limits },
    wakes,
    warn,
    clock,
    random: options.random,
  });
  kept.start();
  return kept;
}

function whyNotOf({ reconnect = true }: OpenConnectionOptions, plugin: Plugin): WhyNot {
  if (!reconnect) return "no_reconnect";
  return plugin.preset === undefined ? "unsupported" : undefined;
}

/** Everything is checked before the plugin is asked for anything. */
function checkedPolicy(options: OpenConnectionOptions, plugin: Plugin, check: HealthCheck): Policy {
  const base = options.policy === "preset" ? (plugin.preset ?? {}) : (options.policy ?? {});
  // Failures are counted where pings have their deadline; the line watches over silence.
  const heartbeat = { intervalMs: check.intervalMs, timeoutMs: livenessTimeoutMs(check), maxFailures: 0 };
  const policy: Policy = { ...base, heartbeat: check.byPlugin ? false : heartbeat, reconnect: true };
  const { failures, timeoutMs } = check;
  resolveConfig({ ...policy, heartbeat: { ...heartbeat, maxFailures: failures } });
  if (!(timeoutMs > 0)) {
    const message = `health.timeoutMs must be above 0, not ${timeoutMs}`;
    throw new HoldfastError({ code: "bad_config", message, kind: "fatal", fault: "local" });
  }
  return policy;
}

/** What the plugin's own lines do: as this one would, with links that they judge themselves. */
function policyBelow(
  { reconnect = true }: OpenConnectionOptions,
  policy: Policy,
  { intervalMs, timeoutMs }: HealthCheck,
): Policy {
  const { failFast: _, ...rest } = policy;
  return { ...rest, heartbeat: { intervalMs, timeoutMs }, reconnect };
}

/** What a plugin has to do before its machine has links may take longer than to make one of them. */
function longEnough({ dialTimeoutMs }: Policy, { leastDialMs }: Plugin): Policy {
  if (leastDialMs === undefined) return {};
  return { dialTimeoutMs: Math.max(dialTimeoutMs ?? leastDialMs, leastDialMs) };
}

function warnSafely(onWarning: ((warning: HoldfastError) => void) | undefined, warning: HoldfastError): void {
  try {
    onWarning?.(warning);
  } catch {
    // A listener that throws harms nobody.
  }
}
