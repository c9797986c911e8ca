// What a process lists of itself: one entry for each tunnel, relay, connection. `type` says which.
import { z } from "zod";
import { count, id, lineShape, time } from "./values.ts";

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
};

export const tunnelEntry = z
  .strictObject({ type: z.literal("tunnel"), ...tunnelShape })
  .meta({ id: "tunnel" });
export const relayEntry = z.strictObject({ type: z.literal("relay"), ...relayShape }).meta({ id: "relay" });
export const connectionEntry = z
  .strictObject({ type: z.literal("connection"), ...connectionShape })
  .meta({ id: "connection" });

export const entry = z.discriminatedUnion("type", [tunnelEntry, relayEntry, connectionEntry]);

/** The same fields under an event's own `type`. */
export const entryShapes = { tunnel: tunnelShape, relay: relayShape, connection: connectionShape };

export type TunnelEntry = z.infer<typeof tunnelEntry>;
export type RelayEntry = z.infer<typeof relayEntry>;
export type RelayTunnelJson = z.infer<typeof relayTunnel>;
export type ConnectionEntry = z.infer<typeof connectionEntry>;
export type Entry = z.infer<typeof entry>;
export type Kind = Entry["type"];
