import { HoldfastError } from "@holdfast/core";
import { expect, test } from "vitest";
import { VisitorWarnings } from "./visitor-warnings.ts";

test("a failure is told at most once in ten seconds for each code, escaped, and not when we cut it", () => {
  const said: string[] = [];
  let now = 0;
  const warnings = new VisitorWarnings(
    (text) => said.push(text),
    () => now,
  );
  const refused = new HoldfastError({ code: "connection_refused", message: "h:1 refused the connection" });
  warnings.failed(refused);
  warnings.failed(refused);
  warnings.failed(new HoldfastError({ code: "timed_out", message: "slow\u001B[2J" }));
  warnings.failed(new HoldfastError({ code: "closed", message: "the tunnel was closed" }));
  now = 9_999;
  warnings.failed(refused);
  expect(said).toEqual(["h:1 refused the connection: is your service running?", "slow\\x1b[2J"]);
  now = 10_000;
  warnings.failed(refused);
  expect(said).toHaveLength(3);
});
