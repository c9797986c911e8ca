// How a connection is dialled again and watched over: what its command asked for, in the words of the library.
import type { ReconnectPolicyJson } from "@holdfast/control";
import type { Policy } from "@holdfast/core";
import type { HealthCheck, Plugin } from "../plugin/plugin.ts";

export interface ConnectionSettings {
  readonly policy: Omit<Policy, "heartbeat" | "reconnect">;
  readonly health: HealthCheck;
}

/** `failFast`: the failure of the first dial is the end. */
export function settingsOf(
  plugin: Plugin,
  asked: ReconnectPolicyJson = {},
  failFast: boolean,
): ConnectionSettings {
  const { heartbeat: _, reconnect: __, ...base } = (asked.preset === true && plugin.preset) || {};
  const maxMs = asked.max_reconnect_delay_ms;
  const initialMs = base.backoff?.initialMs;
  return {
    policy: {
      ...base,
      failFast,
      ...(maxMs !== undefined && {
        backoff: {
          ...base.backoff,
          maxMs,
          ...(initialMs !== undefined && { initialMs: Math.min(initialMs, maxMs) }),
        },
      }),
      ...(asked.max_attempts !== undefined && { maxAttempts: asked.max_attempts }),
      ...(asked.give_up_after_ms !== undefined && { giveUpAfterMs: asked.give_up_after_ms }),
      ...(asked.dial_timeout_ms !== undefined && { dialTimeoutMs: asked.dial_timeout_ms }),
    },
    health: {
      ...plugin.health,
      intervalMs: asked.heartbeat_interval_ms ?? plugin.health.intervalMs,
      timeoutMs: asked.heartbeat_timeout_ms ?? plugin.health.timeoutMs,
      failures: asked.max_heartbeat_failures ?? plugin.health.failures,
    },
  };
}
