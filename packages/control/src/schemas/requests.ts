// What may be asked on a control socket: one JSON object a line.
import { z } from "zod";
import { topic } from "./events.ts";
import { id } from "./values.ts";

const topics = z.array(topic).min(1).max(32);

export const request = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("list") }).meta({ title: "every entry" }),
  z.strictObject({ type: z.literal("status"), id }).meta({ title: "one entry" }),
  z.strictObject({ type: z.literal("subscribe"), topics }).meta({ title: "a snapshot, then events" }),
  z
    .strictObject({ type: z.literal("unsubscribe"), topics: topics.optional() })
    .meta({ title: "no more events, of these topics or of any" }),
  z.strictObject({ type: z.literal("reconnect"), id }).meta({ title: "dial now" }),
  z.strictObject({ type: z.literal("disconnect"), id }).meta({ title: "end it" }),
]);

export type Request = z.infer<typeof request>;
