// The flags of everything that makes connections: `connect` and `ssh`.
import { resolve } from "node:path";
import type { ReconnectPolicyJson } from "@holdfast/control";
import { reconnectOptions, secretOptions, trustOptions } from "../options/flags.ts";
import { optional, repeatable, withDefault, type Values } from "../options/option.ts";
import { parseText } from "../options/values.ts";
import { hasSecretFile, readSecret } from "../secret.ts";
import type { Output } from "../terminal/output.ts";
import { usageError } from "../usage.ts";
import type { ConnectToOptions } from "./connect-to.ts";
import { defaultDestination } from "./default-destination.ts";

const HOST_KEY = ["strict", "accept-new", "ask"] as const;
const POLICIES = ["default", "preset"] as const;

const group = "Logging in";
export const connectOptions = {
  identity: optional(
    {
      name: "identity",
      short: "i",
      value: "<file>",
      description: "private key for ssh, instead of those of its configuration",
      group,
    },
    parseText,
  ),
  sshConfig: optional(
    {
      name: "ssh-config",
      short: "F",
      value: "<file>",
      description: "configuration of ssh, instead of the usual one",
      group,
    },
    parseText,
  ),
  knownHosts: optional(
    {
      name: "known-hosts",
      value: "<file>",
      description: "host keys that are known, instead of the usual files",
      group,
    },
    parseText,
  ),
  hostKey: optional(
    {
      name: "host-key",
      value: "<policy>",
      description: "an unknown host key: strict refuses, accept-new keeps, ask asks",
      group,
    },
    oneOf(HOST_KEY),
  ),
  option: repeatable(
    {
      name: "option",
      value: "<key=value>",
      description: "an option of the plugin; may be given several times",
      group,
    },
    parsePair,
  ),
  reconnectPolicy: withDefault(
    {
      name: "reconnect-policy",
      value: "<policy>",
      description: "preset: the plugin's own delays and tries, which end at some time",
      group: "Reconnecting",
      shownDefault: "default",
    },
    oneOf(POLICIES),
  ),
  ...secretOptions,
  ...trustOptions,
  ...reconnectOptions,
} as const;

/** What `connectTo` is told by them. @throws HoldfastError `usage` as `readSecret` does. */
export async function connectToOf(
  destination: string,
  values: Values<typeof connectOptions>,
  output: Output,
): Promise<ConnectToOptions> {
  const whole = defaultDestination(destination);
  // Only servers of ours know of secrets; any other is told none. A file is read by the daemon, after a restart, too.
  const native = whole.startsWith("holdfast:");
  const secret = native && !hasSecretFile(values) ? await readSecret(values, output) : undefined;
  return {
    destination: whole,
    options: { ...pluginOptions(values), ...(native && serverOptions(values)) },
    policy: policyJson(values),
    noReconnect: values.noReconnect,
    secret,
  };
}

/** The daemon runs elsewhere, so paths are whole ones. */
function pluginOptions(values: Values<typeof connectOptions>): Readonly<Record<string, string>> {
  const { identity, sshConfig, knownHosts, hostKey, option } = values;
  const named = option.map(([name]) => name);
  const twice = named.find((name, index) => named.indexOf(name) !== index);
  if (twice !== undefined) throw usageError(`--option ${twice} is given twice`);
  return {
    ...Object.fromEntries(option),
    ...(identity !== undefined && { identity_file: resolve(identity) }),
    ...(sshConfig !== undefined && { config_file: resolve(sshConfig) }),
    ...(knownHosts !== undefined && { known_hosts: resolve(knownHosts) }),
    ...(hostKey !== undefined && { host_key_policy: hostKey }),
  };
}

/** Of servers of ours. */
function serverOptions(values: Values<typeof connectOptions>): Readonly<Record<string, string>> {
  const { secretFile, fingerprint, ca, tls } = values;
  return {
    ...(hasSecretFile(values) && secretFile !== undefined && { secret_file: resolve(secretFile) }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(ca !== undefined && { ca: resolve(ca) }),
    ...(tls && { tls: "true" }),
  };
}

function policyJson(values: Values<typeof connectOptions>): ReconnectPolicyJson {
  const { maxReconnectDelay, maxAttempts, giveUpAfter, dialTimeout } = values;
  const { heartbeatInterval, heartbeatTimeout, maxHeartbeatFailures } = values;
  return {
    ...(values.reconnectPolicy === "preset" && { preset: true }),
    ...(maxReconnectDelay !== undefined && { max_reconnect_delay_ms: maxReconnectDelay }),
    ...(maxAttempts !== undefined && { max_attempts: maxAttempts }),
    ...(giveUpAfter !== undefined && { give_up_after_ms: giveUpAfter }),
    // A preset has its own time for a dial, as long as nobody says another one.
    ...((values.reconnectPolicy !== "preset" || dialTimeout !== reconnectOptions.dialTimeout.fallback) && {
      dial_timeout_ms: dialTimeout,
    }),
    ...(heartbeatInterval !== undefined && { heartbeat_interval_ms: heartbeatInterval }),
    ...(heartbeatTimeout !== undefined && { heartbeat_timeout_ms: heartbeatTimeout }),
    ...(maxHeartbeatFailures !== undefined && { max_heartbeat_failures: maxHeartbeatFailures }),
  };
}

function parsePair(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new RangeError("an option such as key=value");
  return [text.slice(0, at), text.slice(at + 1)];
}

function oneOf<const T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((one) => one === text);
    if (word === undefined) throw new RangeError(`one of ${words.join(", ")}`);
    return word;
  };
}
