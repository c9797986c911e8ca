// The options of the ssh plugin: what may be said at `connect` beside the destination. Unknown ones are refused.
import { HoldfastError } from "@holdfast/core";
import { quoted } from "../plugin/peer-text.ts";
import type { HostKeyPolicy } from "./host-key.ts";

export interface SshOptions {
  /** A private key instead of those of the configuration. */
  readonly identityFile: string | undefined;
  /** The agent's socket, or `none`. */
  readonly identityAgent: string | undefined;
  /** The known_hosts file instead of those of the configuration. */
  readonly knownHosts: string | undefined;
  /** Default: `strict` if the configuration says `StrictHostKeyChecking yes`, else `accept-new`. */
  readonly hostKeyPolicy: HostKeyPolicy | undefined;
  /** As `ssh -F`. */
  readonly configFile: string | undefined;
  /** As `ssh -J`; `none`. */
  readonly proxyJump: string | undefined;
  readonly proxyCommand: string | undefined;
  /** Between keepalives. Default 2,000. */
  readonly heartbeatIntervalMs: number;
  /** Unanswered keepalives after which the link is dead. Default 3; keepalives are never off. */
  readonly maxHeartbeatFailures: number;
}

const NAMES: readonly string[] = [
  "identity_file",
  "identity_agent",
  "known_hosts",
  "host_key_policy",
  "config_file",
  "proxy_jump",
  "proxy_command",
  "heartbeat_interval_ms",
  "max_heartbeat_failures",
];
const POLICIES: readonly HostKeyPolicy[] = ["strict", "accept-new", "ask"];
const DEFAULT_INTERVAL_MS = 2_000;
const DEFAULT_FAILURES = 3;
const MOST_INTERVAL_MS = 600_000;
const MOST_FAILURES = 1_000;

/** @throws HoldfastError `bad_option` (fatal). */
export function parseOptions(options: Readonly<Record<string, string>>): SshOptions {
  for (const [name, value] of Object.entries(options)) {
    if (!NAMES.includes(name)) {
      throw bad(`the ssh plugin has no option ${quoted(name)}`, `it has ${NAMES.join(", ")}`);
    }
    if (value === "" || value.includes("\0")) throw bad(`the option ${name} has no usable value`);
  }
  return {
    identityFile: options["identity_file"],
    identityAgent: options["identity_agent"],
    knownHosts: options["known_hosts"],
    hostKeyPolicy: policyOf(options["host_key_policy"]),
    configFile: options["config_file"],
    proxyJump: options["proxy_jump"],
    proxyCommand: options["proxy_command"],
    heartbeatIntervalMs: number(options, "heartbeat_interval_ms", DEFAULT_INTERVAL_MS, [
      100,
      MOST_INTERVAL_MS,
    ]),
    maxHeartbeatFailures: number(options, "max_heartbeat_failures", DEFAULT_FAILURES, [1, MOST_FAILURES]),
  };
}

function policyOf(text: string | undefined): HostKeyPolicy | undefined {
  const policy = POLICIES.find((known) => known === text);
  if (text !== undefined && policy === undefined)
    throw bad(`host_key_policy is one of ${POLICIES.join(", ")}`);
  return policy;
}

function number(
  options: Readonly<Record<string, string>>,
  name: string,
  otherwise: number,
  [least, most]: readonly [number, number],
): number {
  const text = options[name];
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw bad(
    `${name} is a whole number of ${least} to ${most}: a link without keepalives would never be found dead`,
  );
}

function bad(message: string, hint?: string): HoldfastError {
  return new HoldfastError({ code: "bad_option", message, hint, kind: "fatal", fault: "local" });
}
