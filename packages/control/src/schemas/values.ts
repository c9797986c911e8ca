// The small values that every line is made of: times, durations, failures, and the fields of a line.
import { z } from "zod";

/** RFC 3339, UTC, with milliseconds. */
export const time = z.iso.datetime().describe("RFC 3339, UTC");

/** Milliseconds. */
export const durationMs = z.number().nonnegative().describe("milliseconds");

export const count = z.int().nonnegative();

export const id = z.int().positive().describe("counts from 1 within its process, never reused");

export const failure = z
  .strictObject({
    code: z.string().describe("stable, snake_case"),
    message: z.string().describe("what failed and why"),
    kind: z.enum(["fatal", "transient", "throttled", "unauthorized"]),
    fault: z.enum(["local", "peer", "network"]),
    retryable: z.boolean(),
    retry_after_ms: durationMs.nullable().describe("the peer's hint"),
    hint: z.string().nullable().describe("what to do"),
  })
  .meta({ id: "failure" });

export const lineState = z.enum(["connecting", "connected", "reconnecting", "auth_required", "disconnected"]);

export const endReason = z
  .strictObject({
    code: z.enum(["closed", "failed", "replaced", "gave_up", "vetoed", "not_reconnecting", "unsupported"]),
    failures: count,
    error: failure.nullable().describe("the real last error"),
  })
  .meta({ id: "end_reason" });

/** The fields of every line, whatever it carries. A field that means nothing in a state is null there. */
export const lineShape = {
  state: lineState,
  phase: z.enum(["dialing", "waiting"]).nullable().describe("of connecting and reconnecting"),
  epoch: count.describe("links so far"),
  attempt: count.describe("the present or next dial of this outage; 0 while connected"),
  failures: count.describe("consecutive failed or unstable links"),
  since: time.describe("when this state began"),
  last_heard: time.nullable().describe("when the peer was last heard"),
  delay_ms: durationMs.nullable().describe("how long the present wait is in all"),
  retry_at: time.nullable().describe("when the next dial begins"),
  draining: z.boolean().describe("the peer has announced that it will end this link"),
  failure: failure.nullable().describe("the last thing that went wrong"),
  reason: endReason.nullable().describe("why it is disconnected"),
  prompt: z.string().nullable().describe("what a person has to answer, in auth_required"),
};
export const lineFields = z.strictObject(lineShape);

export type FailureJson = z.infer<typeof failure>;
export type EndReasonJson = z.infer<typeof endReason>;
export type LineFields = z.infer<typeof lineFields>;
