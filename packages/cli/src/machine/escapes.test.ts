// Escapes are seen after Enter only, wherever the bytes are cut, and nothing that is typed is lost.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EscapeReader, type Typed } from "./escapes.ts";

/** Bytes as text, escapes in angle brackets; neighbours joined. */
function show(typed: readonly Typed[]): string {
  return typed
    .map((one) => (typeof one === "string" ? `<${one}>` : Buffer.from(one).toString("latin1")))
    .join("");
}

function typedAs(text: string, pieces: readonly number[] = []): string {
  const reader = new EscapeReader();
  const bytes = Buffer.from(text, "latin1");
  const typed: Typed[] = [];
  let at = 0;
  for (const length of [...pieces, bytes.length]) {
    typed.push(...reader.read(bytes.subarray(at, at + length)));
    at += length;
  }
  return show(typed);
}

describe("escapes", () => {
  test.each([
    ["~.", "<end>"],
    ["ls\r~.", "ls\r<end>"],
    ["ls\n~s", "ls\n<status>"],
    ["~rx", "<reconnect>x"],
    ["~?~.", "<help><end>"],
    ["~~", "~"],
    ["~~.", "~."],
    ["~x", "~x"],
    ["~\r~.", "~\r<end>"],
    ["a~.", "a~."],
    ["cd ~/x\r", "cd ~/x\r"],
    ["~", ""],
    ["\r~~\r~.", "\r~\r<end>"],
  ])("%j is %j", (text, shown) => expect(typedAs(text)).toBe(shown));

  test("wherever what is typed is cut", () => {
    const words = fc.array(fc.constantFrom("~", "~.", "~s", "a", "\r", "\n", "~~", "x~"), { maxLength: 12 });
    const cuts = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(words, cuts, (parts, pieces) => {
        const text = parts.join("");
        expect(typedAs(text, pieces)).toBe(typedAs(text));
      }),
    );
  });
});
