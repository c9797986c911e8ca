import { HoldfastError, type EndReason } from "@holdfast/core";
import { expect, test } from "vitest";
import { exitCodeOfEnd, exitCodeOfError } from "./exit-codes.ts";

const refused = new HoldfastError({ code: "bad_secret", message: "", kind: "fatal", fault: "peer" });
const lost = new HoldfastError({ code: "connection_refused", message: "" });

function end(code: EndReason["code"], error?: HoldfastError): number {
  return exitCodeOfEnd({ code, error, failures: 0 });
}

test("each end has the code that the documents promise", () => {
  expect(end("closed")).toBe(0);
  expect(end("closed", lost)).toBe(0);
  expect(end("failed", lost)).toBe(1);
  expect(end("not_reconnecting", lost)).toBe(1);
  expect(end("failed", refused)).toBe(3);
  expect(end("not_reconnecting", refused)).toBe(3);
  expect(end("replaced")).toBe(3);
  expect(end("gave_up", lost)).toBe(4);
});

test("wrong settings are wrong usage, unauthorized is refused, and a stranger on the port is only a failure", () => {
  const of = (code: string, kind: "fatal" | "unauthorized", fault: "local" | "peer"): number =>
    exitCodeOfError(new HoldfastError({ code, message: "", kind, fault }));
  expect(of("usage", "fatal", "local")).toBe(2);
  expect(of("bad_config", "fatal", "local")).toBe(2);
  expect(of("login", "unauthorized", "peer")).toBe(3);
  expect(of("not_our_peer", "fatal", "peer")).toBe(1);
  expect(of("programming_error", "fatal", "local")).toBe(1);
});
