// Rule 5: a transport is one file, and one line that runs the compliance suite over it.
import { describe, expect, it } from "vitest";
import { packageSources, repositoryFiles, textOf } from "./files.ts";

/** A function that makes a `Dial` is a transport. */
const MAKES_DIAL = /^export function (\w+)\([^)]*\): Dial</gm;

const transports = packageSources()
  .filter(({ packageName }) => packageName === "net")
  .flatMap(({ text }) => [...text.matchAll(MAKES_DIAL)].map((match) => match[1] ?? ""));
const suites = repositoryFiles()
  .filter((path) => path.startsWith("packages/net/") && path.endsWith(".test.ts"))
  .map(textOf)
  .filter((text) => text.includes("transportCompliance("));

describe("rule 5: transports", () => {
  it("finds the transports", () => {
    expect(transports.length).toBeGreaterThanOrEqual(2);
  });

  it.each(transports)("%s passes the compliance suite", (name) => {
    expect(suites.some((text) => new RegExp(`transportCompliance\\(\\s*"${name}"`).test(text))).toBe(true);
  });
});
