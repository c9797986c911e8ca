import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonLineDecoder } from "./json-lines.ts";

test("however the bytes are cut, the same values come out", () => {
  const cutAnywhere = fc.property(fc.array(fc.jsonValue()), fc.array(fc.nat(40)), (values, cuts) => {
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\r\n`).join("\n"));
    const decoder = new JsonLineDecoder();
    const seen: unknown[] = [];
    let at = 0;
    for (const cut of [...cuts, bytes.length]) {
      for (const line of decoder.receive(bytes.subarray(at, at + cut)))
        seen.push("value" in line && line.value);
      at += cut;
    }
    expect(seen).toEqual(JSON.parse(JSON.stringify(values)));
  });
  fc.assert(cutAnywhere, { numRuns: 300 });
});

test("the limit counts the unfinished line only", () => {
  const decoder = new JsonLineDecoder(10);
  expect([...decoder.receive(Buffer.from("12345678\n12345678\n1234"))]).toEqual([
    { value: 12345678 },
    { value: 12345678 },
  ]);
  expect(() => [...decoder.receive(Buffer.from("5678901"))]).toThrow("line_too_long");
});
