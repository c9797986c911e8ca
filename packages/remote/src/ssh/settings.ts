// What a connection to one host is made with, after the configuration, the destination and the options have spoken.
import { HoldfastError } from "@holdfast/core";
import { quoted } from "../plugin/peer-text.ts";
import type { ConfigWords } from "./config-words.ts";
import { splitWords } from "./config-words.ts";
import type { HostKeyPolicy } from "./host-key.ts";
import type { SshOptions } from "./options.ts";

export interface SshSettings {
  /** As it was asked for, before `HostName`. */
  readonly host: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** The agent's socket. */
  readonly agent: string | undefined;
  /** Hosts to go through, nearest first. */
  readonly jumps: readonly string[];
  /** With its tokens filled in. */
  readonly proxyCommand: string | undefined;
  /** A new host is recorded in the first. */
  readonly knownHosts: readonly string[];
  readonly hashKnownHosts: boolean;
  readonly hostKeyAlias: string | undefined;
  readonly hostKeyPolicy: HostKeyPolicy;
  /** The order of `publickey`, `keyboard-interactive`, `password`. */
  readonly authentication: readonly string[];
}

/** Where the settings are for: what fills in the blanks. */
export interface SettingsFor {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly home: string;
  readonly localUser: string;
  readonly agent: string | undefined;
}

/** No host leads through more than this many. */
const MOST_JUMPS = 8;
const DEFAULT_KEYS = ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"];
const DEFAULT_ORDER = ["publickey", "keyboard-interactive", "password"];
const HOST = /^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$/;
const USER = /^[A-Za-z0-9_.@\\+%~][A-Za-z0-9_.@\\+%~-]*$/;

/** @throws HoldfastError `bad_configuration` (fatal). */
export function settingsFrom(words: ConfigWords, options: SshOptions, wanted: SettingsFor): SshSettings {
  const one = (keyword: string): string | undefined => words.get(keyword)?.[0];
  const hostName = (one("hostname") ?? wanted.host).replaceAll(/%([%h])/g, (_, token) =>
    token === "h" ? wanted.host : "%",
  );
  const user = wanted.user ?? one("user") ?? wanted.localUser;
  if (!HOST.test(hostName)) throw bad(`HostName ${quoted(hostName)} is no name of a host`);
  if (!USER.test(user)) throw bad(`User ${quoted(user)} is no name of a user`);
  const port = wanted.port ?? Number(one("port") ?? 22);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw bad(`Port ${quoted(one("port") ?? "")} is no port`);
  const fill = (text: string): string => fillTokens(text, { ...wanted, hostName, user, port });
  const files = (keyword: string): readonly string[] =>
    splitWords(one(keyword) ?? "")
      .filter((file) => file !== "none" && file !== "/dev/null")
      .map(fill);
  const userFiles = words.has("userknownhostsfile")
    ? files("userknownhostsfile")
    : [fill("~/.ssh/known_hosts")];
  const alias = one("hostkeyalias");
  return {
    host: wanted.host,
    hostName,
    port,
    user,
    identityFiles: (options.identityFile === undefined
      ? (words.get("identityfile") ?? DEFAULT_KEYS)
      : [options.identityFile]
    )
      .filter((file) => file !== "none")
      .map((file) => fill(unquoted(file))),
    identitiesOnly: one("identitiesonly") === "yes",
    agent: agentOf(options.identityAgent ?? one("identityagent"), wanted, fill),
    ...proxyOf(options, one, fill),
    knownHosts:
      options.knownHosts === undefined
        ? [
            ...userFiles,
            ...(words.has("globalknownhostsfile")
              ? files("globalknownhostsfile")
              : ["/etc/ssh/ssh_known_hosts"]),
          ]
        : [fill(options.knownHosts)],
    hashKnownHosts: one("hashknownhosts") === "yes",
    hostKeyAlias: alias === "none" ? undefined : alias,
    hostKeyPolicy: options.hostKeyPolicy ?? policyOf(one("stricthostkeychecking")),
    authentication: one("preferredauthentications")?.split(",") ?? DEFAULT_ORDER,
  };
}

/** ssh's own default, `ask`, needs somebody to ask at each new host: ours is to record it and to be strict from then on. */
function policyOf(text: string | undefined): HostKeyPolicy {
  return text === "yes" || text === "true" ? "strict" : "accept-new";
}

function agentOf(
  text: string | undefined,
  { agent }: SettingsFor,
  fill: (text: string) => string,
): string | undefined {
  if (text === undefined || text === "SSH_AUTH_SOCK" || text === "$SSH_AUTH_SOCK") return agent;
  return text === "none" ? undefined : fill(unquoted(text));
}

function proxyOf(
  options: SshOptions,
  one: (keyword: string) => string | undefined,
  fill: (text: string) => string,
): Pick<SshSettings, "jumps" | "proxyCommand"> {
  const given = options.proxyJump !== undefined || options.proxyCommand !== undefined;
  const [jump, command] = given
    ? [options.proxyJump, options.proxyCommand]
    : [one("proxyjump"), one("proxycommand")];
  const jumps = jump === undefined || jump === "none" ? [] : jump.split(",").map((hop) => hop.trim());
  if (jumps.length > MOST_JUMPS) throw bad(`ProxyJump names more than ${MOST_JUMPS} hosts`);
  const used = jumps.length > 0 || command === undefined || command === "none" ? undefined : fill(command);
  return { jumps, proxyCommand: used };
}

interface Tokens extends SettingsFor {
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
}

function fillTokens(text: string, tokens: Tokens): string {
  const values: Readonly<Record<string, string>> = {
    "%": "%",
    d: tokens.home,
    h: tokens.hostName,
    n: tokens.host,
    p: String(tokens.port),
    r: tokens.user,
    u: tokens.localUser,
  };
  const path = text === "~" || text.startsWith("~/") ? `${tokens.home}${text.slice(1)}` : text;
  return path.replaceAll(/%(.)/g, (all, token: string) => values[token] ?? all);
}

function unquoted(text: string): string {
  return /^"(.*)"$/.exec(text)?.[1] ?? text;
}

function bad(message: string): HoldfastError {
  const hint = "see the ssh configuration for this host (`ssh -G HOST` shows what holds)";
  return new HoldfastError({ code: "bad_configuration", message, hint, kind: "fatal", fault: "local" });
}
