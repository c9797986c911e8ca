// What a control socket answers: `hello` first, then one reply for each request in their order, and between the
// replies, for those who subscribed, snapshots and events.
import { z } from "zod";
import { entry } from "./entries.ts";
import { event, topic } from "./events.ts";
import { count, id, time } from "./values.ts";

/** Within one number, fields are only added. */
export const SCHEMA = 1;

export const hello = z
  .strictObject({
    type: z.literal("hello"),
    schema: z.literal(SCHEMA).describe("within one number, fields are only added"),
    version: z.string(),
    pid: z.int().positive(),
    command: z.string().describe("the subcommand that this process runs"),
    started_at: time,
  })
  .meta({ id: "hello" });

export const error = z
  .strictObject({
    type: z.literal("error"),
    code: z.string().describe("stable, snake_case"),
    message: z.string(),
    retryable: z.boolean(),
    hint: z.string().nullable(),
  })
  .meta({ id: "error" });

export const list = z.strictObject({ type: z.literal("list"), entries: z.array(entry) }).meta({ id: "list" });
export const status = z.strictObject({ type: z.literal("status"), entry }).meta({ id: "status" });

export const subscribed = z
  .strictObject({ type: z.literal("subscribed"), topics: z.array(topic) })
  .meta({ id: "subscribed" });
export const unsubscribed = z
  .strictObject({
    type: z.literal("unsubscribed"),
    topics: z.array(topic).describe("the ones that are left"),
  })
  .meta({ id: "unsubscribed" });
export const snapshot = z
  .strictObject({
    type: z.literal("snapshot"),
    seq: count.describe("of the last event that is part of it"),
    time,
    entries: z.array(entry),
  })
  .meta({ id: "snapshot" });
export const missed = z
  .strictObject({
    type: z.literal("missed"),
    count: z.int().positive().describe("events that this reader was too slow for; a new snapshot follows"),
  })
  .meta({ id: "missed" });

export const reconnectInitiated = z
  .strictObject({ type: z.literal("reconnect_initiated"), id })
  .meta({ id: "reconnect_initiated" });
export const disconnectInitiated = z
  .strictObject({ type: z.literal("disconnect_initiated"), id })
  .meta({ id: "disconnect_initiated" });

export const connectInitiated = z
  .strictObject({
    type: z.literal("connect_initiated"),
    id,
    joined: z.boolean().describe("there was such a connection already"),
  })
  .meta({ id: "connect_initiated" });
export const attached = z
  .strictObject({
    type: z.literal("attached"),
    id,
    session_socket: z.string(),
    machine: z.string().describe("its name on that socket"),
  })
  .meta({ id: "attached" });
export const authenticateInitiated = z
  .strictObject({ type: z.literal("authenticate_initiated"), id })
  .meta({ id: "authenticate_initiated" });
export const answered = z
  .strictObject({ type: z.literal("answered"), question: id })
  .meta({ id: "answered" });
export const forwarded = z
  .strictObject({
    type: z.literal("forwarded"),
    id,
    joined: z.boolean().describe("its asker had begun it already"),
  })
  .meta({ id: "forwarded" });

/** Only to the client that attends the dial. */
export const question = z
  .strictObject({
    type: z.literal("question"),
    id: id.describe("the connection"),
    question: id.describe("for the answer"),
    kind: z.enum(["ask", "confirm"]).describe("of confirm, the only answer is yes or no"),
    about: z.string().nullable(),
    questions: z.array(z.strictObject({ text: z.string(), echo: z.boolean() })).min(1),
  })
  .meta({ id: "question" });

export const reply = z.discriminatedUnion("type", [
  list,
  status,
  subscribed,
  unsubscribed,
  reconnectInitiated,
  disconnectInitiated,
  connectInitiated,
  attached,
  authenticateInitiated,
  answered,
  forwarded,
  error,
]);
export const push = z.discriminatedUnion("type", [snapshot, event, missed]);
export const message = z.discriminatedUnion("type", [hello, ...reply.options, ...push.options, question]);

export type Hello = z.infer<typeof hello>;
export type ErrorLine = z.infer<typeof error>;
export type Snapshot = z.infer<typeof snapshot>;
export type Missed = z.infer<typeof missed>;
export type QuestionPush = z.infer<typeof question>;
export type Reply = z.infer<typeof reply>;
export type Push = z.infer<typeof push>;
export type Message = z.infer<typeof message>;
