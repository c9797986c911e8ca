// What happens to an entry. Every event says which topic it belongs to by the first word of its type.
import { z } from "zod";
import { entryShapes } from "./entries.ts";
import { count, durationMs, id, time } from "./values.ts";

const about = { pid: z.int().positive(), id, name: z.string().min(1) };

const outageShape = {
  ...about,
  away_ms: durationMs.describe("from the loss of the link to the next connected"),
  noticed_after_ms: durationMs.nullable().describe("from the last byte of the peer to the loss of the link"),
  attempts: count.describe("dials, the one that succeeded included"),
  streams_resumed: count
    .nullable()
    .describe(
      "open streams that went on where they had stopped; null where streams do not depend on the link",
    ),
  streams_lost: count.nullable().describe("open streams that were reset, because their session was gone"),
};

export const eventBody = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("tunnel_state"), ...entryShapes.tunnel }),
  z.strictObject({ type: z.literal("relay_state"), ...entryShapes.relay }),
  z.strictObject({ type: z.literal("connection_state"), ...entryShapes.connection }),
  z.strictObject({ type: z.literal("forward_state"), ...entryShapes.forward }),
  z.strictObject({ type: z.literal("daemon_state"), ...entryShapes.daemon }),
  z.strictObject({ type: z.literal("server_state"), ...entryShapes.server }),
  z.strictObject({ type: z.literal("tunnel_outage"), ...outageShape }),
  z.strictObject({ type: z.literal("connection_outage"), ...outageShape }),
  z.strictObject({ type: z.literal("tunnel_removed"), ...about }),
  z.strictObject({ type: z.literal("relay_removed"), ...about }),
  z.strictObject({ type: z.literal("connection_removed"), ...about }),
  z.strictObject({ type: z.literal("forward_removed"), ...about }),
  z.strictObject({ type: z.literal("daemon_removed"), ...about }),
  z.strictObject({ type: z.literal("server_removed"), ...about }),
]);

export const event = z
  .strictObject({
    type: z.literal("event"),
    seq: count.describe("grows by one with each event of the process, whoever subscribed to it"),
    time,
    event: eventBody,
  })
  .meta({ id: "event" });

/** `mount` and `process` are there for those who ask for them; nothing has such events yet. */
export const topic = z.enum([
  "all",
  "tunnel",
  "relay",
  "connection",
  "forward",
  "daemon",
  "server",
  "mount",
  "process",
]);

export type EventBody = z.infer<typeof eventBody>;
export type ControlEvent = z.infer<typeof event>;
export type Topic = z.infer<typeof topic>;
