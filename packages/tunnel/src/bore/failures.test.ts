import { describe, expect, test } from "vitest";
import { connectionClosed, failureOfText, notOurPeer, silence } from "./failures.ts";
import { busyRetryAfterMs, busyText, CLIENT_TEXT, RELAY_TEXT } from "./texts.ts";
import { printable } from "../printable.ts";

const first = { first: true, secret: true };
const later = { first: false, secret: true };

// Text, kind and code. Both roles say these: a relay in an Error message, the real client of itself.
const FATAL: [string, string][] = [
  ["invalid secret", "bad_secret"],
  ["server requires secret, but no secret was provided", "secret_required"],
  ["server requires authentication, but no client secret was provided", "secret_required"],
  ["expected authentication challenge, but no secret was required", "secret_not_expected"],
  ["client port number not in allowed range", "port_not_allowed"],
  ["permission denied", "permission_denied"],
  ["unable to parse message", "not_our_peer"],
  ["frame error, invalid byte length", "not_our_peer"],
  ["unexpected initial non-hello message", "not_our_peer"],
];
const TRANSIENT: [string, string][] = [
  ["port already in use", "port_in_use"],
  ["failed to find an available port", "no_port_available"],
  ["failed to bind to port", "bind_failed"],
  ["unexpected EOF", "connection_closed"],
];

describe("texts", () => {
  test.each(FATAL)("%j is fatal", (text, code) => {
    for (const circumstances of [first, later]) {
      expect(failureOfText(text, circumstances)).toMatchObject({ kind: "fatal", code, fault: "peer" });
      expect(failureOfText(`server error: ${text}`, circumstances)).toMatchObject({ kind: "fatal", code });
    }
  });

  test.each(TRANSIENT)("%j is transient", (text, code) => {
    expect(failureOfText(text, first)).toMatchObject({ kind: "transient", code, fault: "peer" });
    expect(failureOfText(`server error: ${text}`, later)).toMatchObject({ kind: "transient", code });
  });

  test.each([...FATAL, ...TRANSIENT])("%j with a changed word is transient and nothing special", (text) => {
    const words = text.split(" ");
    for (const index of words.keys()) {
      const changed = words.with(index, `${words[index]}s`).join(" ");
      expect(failureOfText(changed, first)).toMatchObject({ kind: "transient", code: "relay_error" });
    }
    expect(failureOfText(`${text}.`, first)).toMatchObject({ kind: "transient", code: "relay_error" });
    expect(failureOfText(text.toUpperCase(), first)).toMatchObject({ kind: "transient" });
  });

  test("every text of both roles is in one of the tables above", () => {
    const all: string[] = [...Object.values(RELAY_TEXT), ...Object.values(CLIENT_TEXT)];
    const tested = new Set([...FATAL, ...TRANSIENT].map(([text]) => text));
    expect(all.filter((text) => !tested.has(text))).toEqual([RELAY_TEXT.timedOut]);
  });

  test("a time-out is the silent race only with a secret, and fatal only at first", () => {
    const text = RELAY_TEXT.timedOut;
    expect(failureOfText(text, first)).toMatchObject({ kind: "fatal", code: "no_challenge" });
    expect(failureOfText(text, later)).toMatchObject({ kind: "transient", code: "timed_out" });
    expect(failureOfText(text, { first: true, secret: false })).toMatchObject({
      kind: "transient",
      code: "timed_out",
    });
  });

  test("names of object prototypes are texts like any other", () => {
    expect(failureOfText("constructor", first)).toMatchObject({ code: "relay_error", kind: "transient" });
  });
});

describe("busy", () => {
  test("the hint goes there and back", () => {
    expect(busyText(12_300)).toBe("busy, retry in 12.3 s");
    expect(busyRetryAfterMs("busy, retry in 12.3 s")).toBe(12_300);
    expect(busyRetryAfterMs("busy, retry in 7 s")).toBe(7_000);
    expect(failureOfText("busy, retry in 12.3 s", first)).toMatchObject({
      kind: "throttled",
      code: "busy",
      retryAfterMs: 12_300,
    });
  });

  test.each([
    "busy, retry in s",
    "busy, retry in -1 s",
    "busy, retry in 1.2.3 s",
    "busy, retry in 5 s ",
    "so busy, retry in 5 s",
  ])("%j is no hint", (text) => expect(busyRetryAfterMs(text)).toBeUndefined());
});

test("fatal failures that a secret can mend name it", () => {
  for (const text of [RELAY_TEXT.invalidSecret, RELAY_TEXT.secretRequired, CLIENT_TEXT.noChallenge]) {
    expect(failureOfText(text, first).hint).toContain("HOLDFAST_SECRET");
  }
  expect(silence(first).hint).toContain("HOLDFAST_SECRET");
});

test("garbage and the end of a connection", () => {
  expect(notOurPeer("HTTP/1.1")).toMatchObject({ kind: "fatal", code: "not_our_peer" });
  expect(connectionClosed()).toMatchObject({ kind: "transient", fault: "peer" });
});

test("what a peer says cannot reach a terminal as control bytes", () => {
  expect(printable("a\u001b[31mb\u0007\u202e")).toBe("a\\u{1b}[31mb\\u{7}\\u{202e}");
  expect(failureOfText("\u001b]0;x\u0007", first).message).not.toContain("\u001b");
  expect(printable("x".repeat(1_000)).length).toBeLessThan(400);
});
