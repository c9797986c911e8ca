// The way to a host: straight by TCP, through a command, or through other hosts, each of which is logged in to with
// its own settings and its own pinned key.
import type { Duplex } from "node:stream";
import { HoldfastError } from "@holdfast/core";
import { openSocket } from "@holdfast/net/node";
import type { Interaction } from "../plugin/interaction.ts";
import type { PluginContext } from "../plugin/plugin.ts";
import { quoted } from "../plugin/peer-text.ts";
import { ChannelDuplex } from "./channel-streams.ts";
import { commandStream } from "./command-stream.ts";
import { Credentials } from "./credentials.ts";
import { openFailure } from "./failures.ts";
import { HostKeyCheck } from "./host-key.ts";
import { knownName } from "./known-hosts.ts";
import type { SshClient } from "./library.ts";
import { logIn } from "./login.ts";
import type { SshOptions } from "./options.ts";
import { resolveSettings, surroundings } from "./resolve.ts";
import type { Wanted } from "./resolve.ts";
import type { SshSettings } from "./settings.ts";

export interface RouteOptions {
  readonly context: PluginContext;
  readonly options: SshOptions;
  readonly interaction: Interaction;
  readonly signal: AbortSignal;
}

/** A login, with what carries it. */
export interface Arrived {
  readonly client: SshClient;
  readonly socket: Duplex;
  readonly settings: SshSettings;
  /** The address at this end, where there is one. */
  readonly localAddress: string | undefined;
}

/** The line has a deadline for the whole dial. */
const DIAL_MS = 120_000;
/** Hosts that lead through hosts that lead through hosts … */
const MOST_DEPTH = 8;
const HOP =
  /^(?:(?<user>[A-Za-z0-9_.@\\+%~][A-Za-z0-9_.@\\+%~-]*)@)?(?:\[(?<address>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9_][A-Za-z0-9_.-]*))(?::(?<port>\d{1,5}))?$/;

/**
 * Log in to a host, whatever lies between. What was made is gone again if it fails.
 * @throws HoldfastError those of sockets, of the configuration and of `logIn`.
 */
export async function reach(
  wanted: Wanted,
  how: RouteOptions,
  depth = 0,
  through?: Arrived,
): Promise<Arrived> {
  if (depth > MOST_DEPTH) throw tooDeep(wanted.host);
  // The way that the options give is the target's; the hosts between go the way of the configuration.
  const options =
    depth === 0 ? how.options : { ...how.options, proxyJump: undefined, proxyCommand: undefined };
  const { warn, environment } = how.context;
  const settings = await resolveSettings(wanted, options, { environment, warn, signal: how.signal });
  const hostKey = await checkFor(settings, how);
  const before = through ?? (await reachJumps(settings, how, depth));
  const socket = await openWay(settings, before, how);
  try {
    const client = await logIn({
      socket,
      user: settings.user,
      host: settings.host,
      hostKey,
      credentials: new Credentials(settings, how.interaction),
      keepaliveIntervalMs: how.options.heartbeatIntervalMs,
      keepaliveFailures: how.options.maxHeartbeatFailures,
      signal: how.signal,
    });
    return { client, socket, settings, localAddress: localAddressOf(socket) };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function reachJumps(
  settings: SshSettings,
  how: RouteOptions,
  depth: number,
): Promise<Arrived | undefined> {
  let last: Arrived | undefined = undefined;
  try {
    // The first hop goes its own way; the others go through the one before.
    for (const hop of settings.jumps) last = await reach(hopOf(hop), how, depth + 1, last);
    return last;
  } catch (error) {
    last?.socket.destroy();
    throw error;
  }
}

async function openWay(
  settings: SshSettings,
  before: Arrived | undefined,
  how: RouteOptions,
): Promise<Duplex> {
  const { hostName, port, proxyCommand } = settings;
  if (before !== undefined) return openThrough(before, hostName, port, how.signal);
  if (proxyCommand !== undefined) return commandStream(proxyCommand, surroundings(how.context.environment));
  const onWarning = (warning: HoldfastError): void => how.context.warn(warning.text);
  return openSocket({ host: hostName, port }, { signal: how.signal, timeoutMs: DIAL_MS, onWarning });
}

/** The way through a host ends with it, and it with the way. */
function openThrough(before: Arrived, host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      signal.removeEventListener("abort", onAbort);
      before.socket.destroy();
      reject(error as Error);
    };
    const onAbort = (): void => fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) return onAbort();
    try {
      before.client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
        if (error !== undefined) return fail(openFailure(error, host, port));
        signal.removeEventListener("abort", onAbort);
        const way = new ChannelDuplex(channel);
        before.socket.once("close", () => way.destroy(lostHop(before.settings.host)));
        way.once("close", () => before.socket.destroy());
        resolve(way);
      });
    } catch {
      // ssh2 throws where the host was lost since.
      fail(lostHop(before.settings.host));
    }
  });
}

function checkFor(settings: SshSettings, { context, interaction }: RouteOptions): Promise<HostKeyCheck> {
  return HostKeyCheck.prepare({
    name: settings.hostKeyAlias ?? knownName(settings.hostName, settings.port),
    policy: settings.hostKeyPolicy,
    files: settings.knownHosts,
    hashNames: settings.hashKnownHosts,
    memory: context.memory,
    interaction,
    warn: context.warn,
  });
}

function hopOf(text: string): Wanted {
  const found = HOP.exec(text.replace(/^ssh:\/\//, ""))?.groups;
  const host = found?.["address"] ?? found?.["host"];
  if (host === undefined) {
    const message = `ProxyJump: ${quoted(text)} is no host`;
    throw new HoldfastError({ code: "bad_configuration", message, kind: "fatal", fault: "local" });
  }
  const port = found?.["port"];
  return { host, user: found?.["user"], port: port === undefined ? undefined : Number(port) };
}

function localAddressOf(socket: Duplex): string | undefined {
  return "localAddress" in socket && typeof socket.localAddress === "string"
    ? socket.localAddress
    : undefined;
}

function tooDeep(host: string): HoldfastError {
  const message = `the way to ${host} leads through more than ${MOST_DEPTH} hosts; ProxyJump may go in circles`;
  return new HoldfastError({ code: "bad_configuration", message, kind: "fatal", fault: "local" });
}

function lostHop(host: string): HoldfastError {
  const message = `the connection to ${host}, which it led through, has ended`;
  return new HoldfastError({ code: "connection_reset", message });
}
