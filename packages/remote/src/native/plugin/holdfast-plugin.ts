// The plugin `holdfast`: machines that `holdfast serve` offers, over sessions. A session IS what survives the network,
// so the machine of one dial lives as long as its session, over all links: processes, forwards and transfers go on after
// a cut, and only the loss of the session is the loss of the machine. A connection shows the state of `machine.line`
// while there is a machine: it is truthful about every link below. Hence also `byPlugin`: the session's own heartbeats
// judge its links, and whoever hung up the machine because a ping took long would throw away what the session keeps.
import { HoldfastError, type Clock, type Policy, type Random } from "@holdfast/core";
import type { SessionLimits } from "@holdfast/core/session";
import type { Attempt, ByteLink, WakeSource } from "@holdfast/net";
import type { SessionCrypto } from "@holdfast/net/session";
import { formatDestination, type Destination } from "../../plugin/destination.ts";
import type { Interaction } from "../../plugin/interaction.ts";
import type { Backend, HealthCheck, Plugin, PluginContext } from "../../plugin/plugin.ts";
import { MAX_MACHINE_NAME_BYTES } from "../wire/opening.ts";
import { dialMachine, type HoldfastMachine } from "./dial-machine.ts";

/** The port of `holdfast serve`. */
export const SERVE_PORT = 7837;

/** How one server is reached: what the command line composes of transport and trust. */
export interface ServerAccess {
  /** Make a link to it: `tcp`, `tls`, `webSocket` of `@holdfast/net/node`, with a verifier. */
  readonly dial: (attempt: Attempt) => Promise<ByteLink>;
  /**
   * Before the first dial of each session, and when a person answers: what has to be there before there can be links.
   */
  readonly prepare?: (attempt: Attempt, interaction: Interaction) => Promise<void>;
  /** Looked at before each session, as are the two that follow. */
  readonly secret?: string | undefined;
  /** Who we are, for servers with authorized keys. */
  readonly ownerKey?: Uint8Array | undefined;
  /** Asked before each new session. */
  readonly credentials?: (() => Uint8Array | Promise<Uint8Array>) | undefined;
  /** A session has begun with whoever TLS said that it is: remember it, if it is to be. */
  readonly begun?: (relayIdentity: string) => void;
  /**
   * The first dial of a session failed, and a person is there: ask, if an answer can help.
   * @returns whether to dial again. @throws HoldfastError what the person's refusal means.
   */
  readonly ask?: (failure: HoldfastError, interaction: Interaction) => Promise<boolean>;
  /** A failure of a session's first dial, in words that fit this server. Default: as it is. */
  readonly explain?: (failure: HoldfastError) => HoldfastError;
  /** The connection ends for good; its sessions are still there. */
  readonly dispose?: () => Promise<void>;
}

export interface HoldfastPluginOptions {
  readonly access: (
    server: { readonly host: string; readonly port: number },
    context: PluginContext,
  ) => ServerAccess | Promise<ServerAccess>;
  /** Options of a connection that `access` understands; any other is refused. Default: none. */
  readonly optionNames?: readonly string[];
  /**
   * How a session gets its links back, where the connection does not say. Default: that of lines, for ever; the server
   * ends it when its time is over.
   */
  readonly policy?: Policy;
  readonly sessionLimits?: Partial<SessionLimits>;
  readonly wakes?: readonly WakeSource[];
  /** Default: Node's. */
  readonly crypto?: SessionCrypto;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** For jitter only. Default: the machine's. */
  readonly random?: Random;
}

/** Of the session's own heartbeats. */
export const HEALTH: HealthCheck = { intervalMs: 10_000, timeoutMs: 15_000, failures: 0, byPlugin: true };

/** Machines by `holdfast://server[:port][/name]`. */
export function holdfastPlugin(options: HoldfastPluginOptions): Plugin {
  return {
    name: "holdfast",
    schemes: ["holdfast"],
    abilities: {
      processes: true,
      terminals: true,
      signals: true,
      forward: true,
      reverse_forward: true,
      files: true,
      system_info: true,
    },
    preset: {},
    health: HEALTH,
    open: (destination, context) => openBackend(checked(destination), context, options),
  };
}

async function openBackend(
  destination: Destination,
  context: PluginContext,
  options: HoldfastPluginOptions,
): Promise<Backend> {
  checkOptions(context, options.optionNames ?? []);
  const { host, port = SERVE_PORT, path } = destination;
  const access = await options.access({ host, port }, context);
  return sessionBackend({ ...options, access, name: path, context });
}

export interface SessionBackendOptions extends Omit<HoldfastPluginOptions, "access"> {
  readonly access: ServerAccess;
  /** Which machine of the server. */
  readonly name: string;
  readonly context: PluginContext;
}

/** A backend whose machines live in sessions with this server. */
export function sessionBackend(options: SessionBackendOptions): Backend {
  const { access } = options;
  /** One for each link that somebody keeps; the others take themselves off. */
  const machines = new Set<HoldfastMachine>();
  return {
    async dial(attempt, interaction) {
      const machine = await dialMachine({ ...options, attempt, interaction });
      machines.add(machine);
      void machine.line.closed.then(() => machines.delete(machine));
      return machine;
    },
    async dispose() {
      await access.dispose?.();
      const closed = [...machines].map(({ line }) => line.closed);
      for (const machine of machines) machine.close();
      await Promise.all(closed);
    },
  };
}

function checked(destination: Destination): Destination {
  const { user, path } = destination;
  if (user !== undefined) throw bad(destination, "it has a user, which the server decides by itself");
  if (Buffer.byteLength(path) > MAX_MACHINE_NAME_BYTES)
    throw bad(destination, "its name is longer than 200 bytes");
  return destination;
}

function bad(destination: Destination, why: string): HoldfastError {
  const message = `${formatDestination(destination)} leads nowhere: ${why}`;
  const hint = "write holdfast://server, with :port and /name where they are needed";
  return new HoldfastError({ code: "bad_destination", message, hint, kind: "fatal", fault: "local" });
}

function checkOptions({ options }: PluginContext, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = `the plugin holdfast has no option ${JSON.stringify(unknown)}`;
  const hint = known.length === 0 ? "it has no options at all" : `it has these: ${known.join(", ")}`;
  throw new HoldfastError({ code: "bad_option", message, hint, kind: "fatal", fault: "local" });
}
