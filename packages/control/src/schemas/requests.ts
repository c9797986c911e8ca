// What may be asked on a control socket: one JSON object a line.
import { z } from "zod";
import { endpointJson } from "./entries.ts";
import { topic } from "./events.ts";
import { count, durationMs, id } from "./values.ts";

/** Short words of the caller's: a name, an option's name or value, a path. */
const word = z.string().max(4_096);

/** What of the caller's surroundings a connection needs, and no more. */
export const callerEnvironment = z
  .strictObject({
    SSH_AUTH_SOCK: word.optional(),
    PATH: z.string().max(32_768).optional(),
    HOME: word.optional(),
    DOCKER_HOST: word.optional(),
  })
  .meta({ id: "caller_environment" });

/** How a connection is dialled again; what is left out is the engine's own. */
export const reconnectPolicy = z
  .strictObject({
    preset: z.boolean().optional().describe("the plugin's own numbers instead of the default"),
    max_reconnect_delay_ms: durationMs.optional(),
    max_attempts: z.int().positive().optional(),
    give_up_after_ms: durationMs.optional(),
    dial_timeout_ms: durationMs.optional(),
    heartbeat_interval_ms: durationMs.optional(),
    heartbeat_timeout_ms: durationMs.optional(),
    max_heartbeat_failures: count.optional(),
  })
  .meta({ id: "reconnect_policy" });

/**
 * Who asks, over a restart of the daemon and of its own connection to it: the same key again joins what was begun, and
 * what is not kept ends when its asker has been gone for a while.
 */
const key = z.string().min(16).max(128);

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
  z
    .strictObject({
      type: z.literal("connect"),
      key,
      destination: z.string().max(1_024),
      name: z.string().min(1).max(128).optional().describe("default: from the destination"),
      options: z.record(z.string().max(64), word).optional().describe("of the plugin"),
      environment: callerEnvironment.optional(),
      attended: z.boolean().optional().describe("questions come to this client"),
      background: z
        .boolean()
        .optional()
        .describe("kept and dialled again from the start, whatever comes of it"),
      kept: z.boolean().optional().describe("false: it ends with its asker; default true"),
      new: z.boolean().optional().describe("also if there is such a connection already"),
      no_reconnect: z.boolean().optional(),
      policy: reconnectPolicy.optional(),
      secret: z.string().max(4_096).optional().describe("shared with the far side; never written down"),
    })
    .meta({ title: "a connection to a machine" }),
  z
    .strictObject({ type: z.literal("attach"), id, environment: callerEnvironment.optional() })
    .meta({ title: "where to use a connection; its environment is refreshed" }),
  z
    .strictObject({ type: z.literal("authenticate"), id })
    .meta({ title: "dial now, and send the questions to this client" }),
  z
    .strictObject({
      type: z.literal("answer"),
      question: id,
      answers: z.array(z.string().max(65_536)).max(64).nullable().describe("null: nobody answers"),
    })
    .meta({ title: "what a person answered" }),
  z
    .strictObject({
      type: z.literal("forward"),
      key,
      connection: id,
      direction: z.enum(["local", "reverse", "dynamic"]),
      listen: endpointJson.describe("port 0: any"),
      target: endpointJson.optional().describe("of local and reverse"),
      name: z.string().min(1).max(128).optional(),
      kept: z.boolean().optional().describe("default true"),
    })
    .meta({ title: "a forward over a connection" }),
]);

export type CallerEnvironmentJson = z.infer<typeof callerEnvironment>;
export type ReconnectPolicyJson = z.infer<typeof reconnectPolicy>;
export type Request = z.infer<typeof request>;
