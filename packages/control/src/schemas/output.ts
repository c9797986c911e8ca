// The lines that only the command prints with `--json`; the others are entries and messages of the control socket.
import { z } from "zod";
import { authenticationLines } from "./authentication.ts";
import {
  connectionEntry,
  daemonEntry,
  endpointJson,
  forwardEntry,
  relayEntry,
  serverEntry,
  tunnelEntry,
} from "./entries.ts";
import { event } from "./events.ts";
import { machineLines } from "./machines.ts";
import { disconnectInitiated, error, hello, missed, reconnectInitiated, snapshot } from "./messages.ts";
import { count, durationMs, id, time } from "./values.ts";

export const ready = z
  .strictObject({
    type: z.literal("ready"),
    addresses: z.array(z.string()).describe("URL or host:port"),
    pid: z.int().positive().optional().describe("of the process that listens, if it is another one"),
  })
  .meta({ id: "ready" });

export const check = z
  .strictObject({
    type: z.literal("check"),
    name: z.string(),
    outcome: z.enum(["ok", "warning", "failed"]),
    message: z.string(),
    hint: z.string().nullable(),
  })
  .meta({ id: "check" });

export const cut = z
  .strictObject({
    type: z.literal("cut"),
    name: z.string().describe("how the demo broke the connection"),
    at_ms: durationMs.describe("since the demo began"),
  })
  .meta({ id: "cut" });

export const demoSummary = z
  .strictObject({
    type: z.literal("demo_summary"),
    outages: z.array(
      z.strictObject({
        name: z.string(),
        away_ms: durationMs.nullable().describe("null: not back when the demo ended"),
        noticed_after_ms: durationMs.nullable(),
        attempts: count,
      }),
    ),
    download: z
      .strictObject({
        bytes: count.describe("that arrived"),
        cuts: count.describe("while it was under way"),
        hash_matches: z.boolean().describe("what arrived is what was sent, and all of it"),
      })
      .describe("one connection of a visitor, open over the cuts"),
    requests_served: count,
    requests_failed: count,
    longest_gap_ms: durationMs.describe("the longest time between two requests that were served"),
    duration_ms: durationMs,
  })
  .meta({ id: "demo_summary" });

export const audit = z
  .strictObject({
    type: z.literal("audit"),
    time,
    what: z.enum([
      "session_began",
      "session_away",
      "session_back",
      "session_ended",
      "refused",
      "process_started",
      "process_ended",
      "connection_opened",
      "listening",
    ]),
    session: count.nullable().describe("its number at this server, from 1; null for who was refused"),
    remote_address: z.string(),
    owner_id: z.string().nullable().describe("whose key the client has, in hex; null without one"),
    reason: z.string().nullable().describe("a code; of refused"),
    process: count.nullable().describe("its number in the session"),
    command: z
      .union([z.string(), z.array(z.string())])
      .nullable()
      .describe(
        "of process_started: a line for a shell, or a program and its arguments; null: a login shell",
      ),
    endpoint: endpointJson.nullable().describe("of connection_opened and listening"),
  })
  .meta({ id: "audit" });

export const logLine = z
  .strictObject({
    type: z.literal("log"),
    time,
    level: z.enum(["debug", "info", "warn", "error"]),
    event: z.string().describe("what happened, snake_case"),
    id: id.optional().describe("of the connection or forward"),
    name: z.string().optional().describe("of the connection or forward"),
    message: z.string().optional(),
  })
  .meta({ id: "log", title: "a line of the daemon's log" });

export const daemonStopped = z
  .strictObject({ type: z.literal("daemon_stopped"), pid: z.int().positive() })
  .meta({ id: "daemon_stopped" });

/** Every line that `--json` can print. */
export const outputLine = z.discriminatedUnion("type", [
  hello,
  ready,
  error,
  tunnelEntry,
  relayEntry,
  connectionEntry,
  forwardEntry,
  daemonEntry,
  serverEntry,
  audit,
  snapshot,
  event,
  missed,
  reconnectInitiated,
  disconnectInitiated,
  check,
  cut,
  demoSummary,
  logLine,
  daemonStopped,
  ...machineLines,
  ...authenticationLines,
]);

export type Ready = z.infer<typeof ready>;
export type Audit = z.infer<typeof audit>;
export type Check = z.infer<typeof check>;
export type Cut = z.infer<typeof cut>;
export type DemoSummary = z.infer<typeof demoSummary>;
export type LogLine = z.infer<typeof logLine>;
export type OutputLine = z.infer<typeof outputLine>;
