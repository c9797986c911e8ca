// The file of what comes back after a restart or a crash: connections, forwards, and which ids were given out. Never a
// secret.
import type { CallerEnvironmentJson, ReconnectPolicyJson } from "@holdfast/control";
import { callerEnvironment, endpointJson, reconnectPolicy } from "@holdfast/control/schemas";
import { z } from "zod";
import { MEMORY_LIMITS } from "./kept-memory.ts";

export interface KeptEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionRecord {
  readonly id: number;
  readonly name: string;
  /** Of the command that asked for it first. */
  readonly key: string;
  /** Names it to its plugin, among the connections of all daemons that ever were. */
  readonly unique: string;
  readonly destination: string;
  readonly options: Readonly<Record<string, string>>;
  readonly environment: CallerEnvironmentJson;
  readonly policy?: ReconnectPolicyJson | undefined;
  readonly no_reconnect: boolean;
  /** What its links learned: the key of the host, for one. */
  readonly memory: Readonly<Record<string, string>>;
}

export interface ForwardRecord {
  readonly id: number;
  readonly name: string;
  readonly key: string;
  readonly connection: number;
  readonly direction: "local" | "reverse" | "dynamic";
  readonly listen: KeptEndpoint;
  readonly target?: KeptEndpoint | undefined;
  /** Where it listened last. */
  readonly address?: KeptEndpoint | undefined;
}

/** What a command that is still there gets again when it asks again, though nothing else is kept of it. */
export interface Promised {
  readonly key: string;
  readonly id: number;
  readonly name: string;
  readonly unique?: string | undefined;
  readonly address?: KeptEndpoint | undefined;
}

export interface DaemonState {
  readonly version: 1;
  /** The least that was never given out. */
  readonly next_id: number;
  /** Of the daemon's own entry. */
  readonly daemon_id: number;
  readonly connections: readonly ConnectionRecord[];
  readonly forwards: readonly ForwardRecord[];
  readonly promised: readonly Promised[];
}

export const FIRST_STATE: DaemonState = {
  version: 1,
  next_id: 1,
  daemon_id: 1,
  connections: [],
  forwards: [],
  promised: [],
};

const id = z.int().positive();
const short = z.string().max(4_096);
const identity = { id, name: z.string().min(1).max(256), key: z.string().max(128) };

const schema: z.ZodType<DaemonState> = z.object({
  version: z.literal(1),
  next_id: id,
  daemon_id: id,
  connections: z
    .array(
      z.object({
        ...identity,
        unique: z.string().max(128),
        destination: z.string().max(1_024),
        options: z.record(z.string(), short),
        environment: callerEnvironment,
        policy: reconnectPolicy.optional(),
        no_reconnect: z.boolean(),
        memory: z.record(z.string(), z.string().max(MEMORY_LIMITS.characters)),
      }),
    )
    .max(65_536),
  forwards: z
    .array(
      z.object({
        ...identity,
        connection: id,
        direction: z.enum(["local", "reverse", "dynamic"]),
        listen: endpointJson,
        target: endpointJson.optional(),
        address: endpointJson.optional(),
      }),
    )
    .max(65_536),
  promised: z
    .array(
      z.object({ ...identity, unique: z.string().max(128).optional(), address: endpointJson.optional() }),
    )
    .max(65_536),
});

export function encodeState(state: DaemonState): string {
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/** @throws Error for anything but a file of ours, also of a later version. */
export function decodeState(text: string): DaemonState {
  const state = schema.parse(JSON.parse(text));
  const ids = [...state.connections, ...state.forwards].map((record) => record.id);
  if (new Set(ids).size !== ids.length) throw new Error("one id is there twice");
  const connections = new Set(state.connections.map((record) => record.id));
  if (state.forwards.some(({ connection }) => !connections.has(connection))) {
    throw new Error("a forward over no connection");
  }
  if ([...ids, state.daemon_id].some((given) => given >= state.next_id))
    throw new Error("an id that was never given out");
  return state;
}
