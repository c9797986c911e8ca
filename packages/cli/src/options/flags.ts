// The flags that mean the same everywhere.
import type { Policy } from "@holdfast/core";
import { flag, optional, withDefault, type Values } from "./option.ts";
import {
  parseCount,
  parseDuration,
  parsePositiveCount,
  parsePositiveDuration,
  parseReconnectDelay,
  parseText,
} from "./values.ts";

const output = "Output";
export const outputOptions = {
  json: flag({ name: "json", description: "print one JSON object a line", group: output }),
  quiet: flag({ name: "quiet", short: "q", description: "no status on stderr, only errors", group: output }),
  verbose: flag({
    name: "verbose",
    short: "v",
    description: "more status; stack traces of errors",
    group: output,
  }),
  config: optional(
    { name: "config", value: "<file>", description: "read this file instead of config.toml", group: output },
    parseText,
  ),
} as const;

export const nameOption = {
  name: optional(
    { name: "name", value: "<name>", description: "what list, status and wait call it" },
    parseText,
  ),
} as const;

export const drainOption = {
  drainTimeout: withDefault(
    {
      name: "drain-timeout",
      value: "<time>",
      description: "how long open streams may finish when asked to stop",
      shownDefault: "30s",
    },
    parseDuration,
  ),
} as const;

export const secretOptions = {
  secret: optional(
    {
      name: "secret",
      value: "<secret>",
      description: "shared secret; other users of this machine can see it",
    },
    parseText,
  ),
  secretFile: optional(
    {
      name: "secret-file",
      value: "<file>",
      description: "read the secret from a file, or from stdin with -",
    },
    parseText,
  ),
} as const;

const trust = "Trust";
/** Who the relay, or the server, is. */
export const trustOptions = {
  fingerprint: optional(
    {
      name: "fingerprint",
      value: "<key>",
      description: "of the relay or server, as it prints it: SHA256:…",
      group: trust,
    },
    parseText,
  ),
  ca: optional(
    {
      name: "ca",
      value: "<file>",
      description: "authorities to believe instead of the usual ones, PEM",
      group: trust,
    },
    parseText,
  ),
  tls: flag({ name: "tls", description: "use TLS also on this machine", group: trust }),
} as const;

const group = "Reconnecting";
export const reconnectOptions = {
  noReconnect: flag({ name: "no-reconnect", description: "end when the connection is lost", group }),
  maxReconnectDelay: optional(
    { name: "max-reconnect-delay", value: "<time>", description: "longest wait between dials (10s)", group },
    parseReconnectDelay,
  ),
  maxAttempts: optional(
    {
      name: "max-attempts",
      value: "<n>",
      description: "give up after so many failures in a row (never)",
      group,
    },
    parsePositiveCount,
  ),
  giveUpAfter: optional(
    {
      name: "give-up-after",
      value: "<time>",
      description: "give up after so long without a link (never)",
      group,
    },
    parsePositiveDuration,
  ),
  dialTimeout: withDefault(
    {
      name: "dial-timeout",
      value: "<time>",
      description: "how long one dial may take, handshake included",
      group,
      shownDefault: "10s",
    },
    parsePositiveDuration,
  ),
  heartbeatInterval: optional(
    {
      name: "heartbeat-interval",
      value: "<time>",
      description: "ask for a sign of life when idle so long (10s)",
      group,
    },
    parsePositiveDuration,
  ),
  heartbeatTimeout: optional(
    {
      name: "heartbeat-timeout",
      value: "<time>",
      description: "hang up after so long without one (bore: 8s)",
      group,
    },
    parsePositiveDuration,
  ),
  maxHeartbeatFailures: optional(
    {
      name: "max-heartbeat-failures",
      value: "<n>",
      description: "failed heartbeats in a row before hanging up, where one can fail (3; 0: never)",
      group,
    },
    parseCount,
  ),
} as const;

/** The policy that the reconnect flags ask for. What nobody set is left to the engine. */
export function policyOf(values: Values<typeof reconnectOptions>): Policy {
  const heartbeat = {
    ...(values.heartbeatInterval !== undefined && { intervalMs: values.heartbeatInterval }),
    ...(values.heartbeatTimeout !== undefined && { timeoutMs: values.heartbeatTimeout }),
    ...(values.maxHeartbeatFailures !== undefined && { maxFailures: values.maxHeartbeatFailures }),
  };
  return {
    reconnect: !values.noReconnect,
    dialTimeoutMs: values.dialTimeout,
    ...(values.maxReconnectDelay !== undefined && { backoff: { maxMs: values.maxReconnectDelay } }),
    ...(values.maxAttempts !== undefined && { maxAttempts: values.maxAttempts }),
    ...(values.giveUpAfter !== undefined && { giveUpAfterMs: values.giveUpAfter }),
    ...(Object.keys(heartbeat).length > 0 && { heartbeat }),
  };
}
