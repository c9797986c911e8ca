import type { Entry, FailureJson, LineFields } from "@holdfast/control";
import { expect, test } from "vitest";
import { describeEntry, describeEvent, describeOutage, describeState } from "./describe.ts";

const connected: LineFields = {
  state: "connected",
  phase: null,
  epoch: 1,
  attempt: 0,
  failures: 0,
  since: "2026-11-22T08:00:00.000Z",
  last_heard: null,
  delay_ms: null,
  retry_at: null,
  draining: false,
  failure: null,
  reason: null,
  prompt: null,
};

function failure(message: string): FailureJson {
  const rest = { retryable: true, retry_after_ms: null, hint: null } as const;
  return { code: "x", message, kind: "transient", fault: "peer", ...rest };
}

const waiting: LineFields = {
  ...connected,
  state: "reconnecting",
  phase: "waiting",
  attempt: 3,
  delay_ms: 4_200,
  retry_at: "2026-11-22T08:00:04.200Z",
  failure: failure("connection refused"),
};

test("what is waited for, and why", () => {
  expect(describeState(waiting)).toBe("reconnecting in 4.2 s (attempt 3): connection refused");
  expect(describeState({ ...waiting, state: "connecting", phase: "dialing", failure: null })).toBe(
    "connecting (attempt 3)",
  );
  expect(describeState({ ...waiting, state: "auth_required", prompt: "Password\u0007:" })).toBe(
    "needs an answer: Password\\x07:",
  );
});

test("how it ended, and why", () => {
  const ended = (code: NonNullable<LineFields["reason"]>["code"], message?: string): string => {
    const error = message === undefined ? null : failure(message);
    return describeState({ ...connected, state: "disconnected", reason: { code, failures: 7, error } });
  };
  expect(ended("closed")).toBe("disconnected: stopped as asked");
  expect(ended("gave_up", "timed out")).toBe("disconnected: gave up after 7 failures: timed out");
  expect(ended("replaced")).toBe("disconnected: another instance has taken its place");
  expect(ended("failed", "no\u001B[2J")).toBe("disconnected: failed: no\\x1b[2J");
});

test("evidence of an outage", () => {
  expect(describeOutage({ away_ms: 42_100, noticed_after_ms: 3_000, attempts: 7 }, ["3 streams open"])).toBe(
    "back after 42.1 s (noticed after 3.0 s, 7 attempts, 3 streams open)",
  );
  expect(describeOutage({ away_ms: 800, noticed_after_ms: null, attempts: 1 })).toBe(
    "back after 800 ms (1 attempt)",
  );
});

const connection = { plugin: "ssh", liveness_timeout_ms: 15_000, kept: true, forwards: 0 };

test("an entry counts down, and text of peers is escaped everywhere", () => {
  const entry: Entry = {
    type: "connection",
    pid: 1,
    id: 1,
    name: "n",
    destination: "d",
    ...connection,
    ...waiting,
  };
  const now = Date.parse("2026-11-22T08:00:03.000Z");
  expect(describeEntry(entry, now)).toBe("reconnecting in 1.2 s (attempt 3): connection refused");
  const nasty = { ...waiting, failure: failure("\u001B[2J\u202Eevil") };
  expect(describeEntry({ ...entry, ...nasty }, now)).not.toMatch(/\p{Cc}|\u202E/u);
  const { type: _type, ...fields } = entry;
  expect(describeEvent({ ...fields, ...nasty, type: "connection_state" })).not.toMatch(/\p{Cc}|\u202E/u);
});
