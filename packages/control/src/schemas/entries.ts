// What a process lists of itself: one entry for each tunnel, relay, connection. `type` says which.
import { z } from "zod";
import { count, durationMs, failure, id, lineShape, time } from "./values.ts";

const identity = {
  pid: z.int().positive().describe("the process that it belongs to"),
  id,
  name: z.string().min(1),
};

const tunnelShape = {
  ...identity,
  ...lineShape,
  target: z.string().describe("what visitors reach: host:port or unix:/path"),
  relay: z.string().describe("URL of the relay"),
  public_endpoint: z.string().nullable().describe("host:port on the relay, the last known one"),
  streams: count.describe("open streams of visitors"),
};

export const relayTunnel = z
  .strictObject({
    port: z.int().min(1).max(65535),
    remote_address: z.string().describe("of the client"),
    since: time,
    streams: count.describe("visitors that the client has taken and that are not done"),
    pending: count.describe("visitors that wait for the client"),
    dialect: z.enum(["native", "bore"]),
    away: z.boolean().describe("the client is not there, and its port is kept for it"),
  })
  .meta({ id: "relay_tunnel" });

const relayShape = {
  ...identity,
  state: z.enum(["listening", "draining"]),
  since: time,
  address: z.string().describe("URL that clients use"),
  addresses: z.array(z.string()).describe("every URL that clients can use, the first of them `address`"),
  secret_required: z.boolean(),
  tunnels: count.describe("that are open now"),
  tunnel_list: z.array(relayTunnel).optional().describe("only in the answer to `status`"),
};

const connectionShape = {
  ...identity,
  ...lineShape,
  destination: z.string().describe("what it is connected to"),
  plugin: z.string().describe("that makes its links: host, ssh, docker, holdfast"),
  liveness_timeout_ms: durationMs.nullable().describe("a link that is silent for longer is hung up"),
  kept: z
    .boolean()
    .describe("it comes back after a restart of the daemon; otherwise it ends with its command"),
  forwards: count.describe("that run over it"),
  abilities: z
    .record(z.string(), z.union([z.literal(true), z.string()]))
    .optional()
    .describe("what it can do, or why it cannot; only in the answer to `status`"),
};

export const endpointJson = z
  .strictObject({ host: z.string(), port: z.int().min(0).max(65535) })
  .meta({ id: "endpoint" });

const forwardShape = {
  ...identity,
  state: z.enum(["listening", "waiting", "failed", "closed"]),
  since: time,
  connection: id.describe("what it runs over"),
  direction: z
    .enum(["local", "reverse", "dynamic"])
    .describe("from here to there, from there to here, or a SOCKS5 server here"),
  listen: endpointJson.nullable().describe("where it listens, or listened last; null before it ever did"),
  target: endpointJson.nullable().describe("where its connections lead; null where each says so by itself"),
  kept: z
    .boolean()
    .describe("it comes back after a restart of the daemon; otherwise it ends with its command"),
  connections: count.describe("through it now"),
  waiting: count.describe("of them, those that wait for a link"),
  failure: failure.nullable().describe("the last thing that went wrong"),
};

const daemonShape = {
  ...identity,
  state: z.enum(["running", "stopping"]),
  since: time,
  connections: count,
  forwards: count,
  session_socket: z.string().describe("where machines are reached by sessions"),
  log_file: z.string().nullable(),
};

const serverShape = {
  ...identity,
  state: z.enum(["listening", "draining"]),
  since: time,
  address: z.string().describe("URL that clients use"),
  addresses: z.array(z.string()).describe("every URL that clients can use, the first of them `address`"),
  secret_required: z.boolean(),
  authorized_keys: count.nullable().describe("clients' keys that are let in; null: keys are not looked at"),
  sessions: count.describe("of clients, those that are away included"),
  attached: count.describe("of them, those that have a link now"),
  processes: count.describe("that clients have started and that run"),
};

export const tunnelEntry = z
  .strictObject({ type: z.literal("tunnel"), ...tunnelShape })
  .meta({ id: "tunnel" });
export const relayEntry = z.strictObject({ type: z.literal("relay"), ...relayShape }).meta({ id: "relay" });
export const connectionEntry = z
  .strictObject({ type: z.literal("connection"), ...connectionShape })
  .meta({ id: "connection" });
export const forwardEntry = z
  .strictObject({ type: z.literal("forward"), ...forwardShape })
  .meta({ id: "forward" });
export const daemonEntry = z
  .strictObject({ type: z.literal("daemon"), ...daemonShape })
  .meta({ id: "daemon" });
export const serverEntry = z
  .strictObject({ type: z.literal("server"), ...serverShape })
  .meta({ id: "server" });

export const entry = z.discriminatedUnion("type", [
  tunnelEntry,
  relayEntry,
  connectionEntry,
  forwardEntry,
  daemonEntry,
  serverEntry,
]);

/** The same fields under an event's own `type`. */
export const entryShapes = {
  tunnel: tunnelShape,
  relay: relayShape,
  connection: connectionShape,
  forward: forwardShape,
  daemon: daemonShape,
  server: serverShape,
};

export type TunnelEntry = z.infer<typeof tunnelEntry>;
export type RelayEntry = z.infer<typeof relayEntry>;
export type RelayTunnelJson = z.infer<typeof relayTunnel>;
export type ConnectionEntry = z.infer<typeof connectionEntry>;
export type ForwardEntry = z.infer<typeof forwardEntry>;
export type DaemonEntry = z.infer<typeof daemonEntry>;
export type ServerEntry = z.infer<typeof serverEntry>;
export type Entry = z.infer<typeof entry>;
export type Kind = Entry["type"];
