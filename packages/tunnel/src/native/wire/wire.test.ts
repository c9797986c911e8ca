import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineReader } from "./line-reader.ts";
import { decodeClientMessage, decodeRelayMessage, encodeMessage } from "./messages.ts";
import { decodeVisitor, encodeVisitor } from "./visitor-metadata.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

describe("messages", () => {
  test.each([
    '{"type":"bind","id":1,"port":0,"target":"localhost:3000","force":false}',
    '{"type":"bind","id":4294967295,"port":65535,"target":"","force":true}',
    '{"type":"unbind","id":2,"reason":"closed"}',
  ])("%s is what a client says", (line) => {
    const message = decodeClientMessage(line);
    expect(message).toEqual(JSON.parse(line));
    expect(message && text(encodeMessage(message))).toBe(`${line}\n`);
  });

  test.each([
    '{"type":"bound","id":1,"port":9114,"generation":1,"lease_ms":900000}',
    '{"type":"bound","id":1,"port":9114,"host":"relay.example","generation":3,"lease_ms":0}',
    '{"type":"refused","id":1,"code":"held","message":"no","retryable":false}',
    '{"type":"refused","id":1,"code":"leased","message":"no","retryable":true,"retry_after_ms":60000}',
    '{"type":"unbind","id":2,"reason":"replaced"}',
  ])("%s is what a relay says", (line) => {
    const message = decodeRelayMessage(line);
    expect(message).toEqual(JSON.parse(line));
    expect(message && text(encodeMessage(message))).toBe(`${line}\n`);
  });

  test("types and fields that nobody knows are ignored", () => {
    expect(decodeClientMessage('{"type":"hello","id":"x"}')).toBeUndefined();
    expect(decodeClientMessage('{"type":"bound","id":1}')).toBeUndefined();
    expect(decodeRelayMessage('{"type":"toString"}')).toBeUndefined();
    expect(decodeClientMessage('{"type":"bind","id":1,"port":1,"target":"t","color":"red"}')).toEqual({
      type: "bind",
      id: 1,
      port: 1,
      target: "t",
      force: false,
    });
  });

  test.each([
    "",
    "[]",
    "null",
    "17",
    '{"id":1}',
    '{"type":7}',
    '{"type":"bind"}',
    '{"type":"bind","id":0,"port":1,"target":""}',
    '{"type":"bind","id":1,"port":65536,"target":""}',
    '{"type":"bind","id":1.5,"port":1,"target":""}',
    '{"type":"bind","id":1,"port":"1","target":""}',
    `{"type":"bind","id":1,"port":1,"target":"${"x".repeat(256)}"}`,
  ])("%s is none", (line) => {
    expect(() => decodeClientMessage(line)).toThrow(/bad_message/);
  });
});

test("a visitor's metadata survive the wire; anything else is refused", () => {
  const visitor = { bind: 3, address: "203.0.113.9", port: 50_000 };
  expect(decodeVisitor(encodeVisitor(visitor))).toEqual(visitor);
  expect(decodeVisitor(encodeVisitor({ bind: 1, address: undefined, port: undefined }))).toEqual({ bind: 1 });
  for (const bad of ["", "x", "{}", '{"bind":0}', '{"bind":"1"}']) {
    expect(() => decodeVisitor(Buffer.from(bad))).toThrow(/bad_message/);
  }
});

describe("lines", () => {
  function read(reader: LineReader, pieces: readonly Uint8Array[]): string[] {
    const lines: string[] = [];
    for (const piece of pieces) {
      const memory = Buffer.from(piece);
      reader.feed(memory);
      memory.fill(0);
      for (let line = reader.next(); line !== undefined; line = reader.next()) lines.push(line);
    }
    return lines;
  }

  test("come whole, however they were cut, and though the bytes are read over", () => {
    const lines = fc.array(
      fc.string({ unit: "grapheme", maxLength: 40 }).map((line) => line.replaceAll("\n", "")),
    );
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (all, sizes) => {
        const bytes = Buffer.from(all.map((line) => `${line}\n`).join(""));
        const pieces: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(read(new LineReader(4_096), pieces)).toEqual(all.map((line) => Buffer.from(line).toString()));
      }),
    );
  });

  test("have a limit, which no number of pieces gets around", () => {
    expect(read(new LineReader(4), [Buffer.from("abcd\n")])).toEqual(["abcd"]);
    expect(() => read(new LineReader(4), [Buffer.from("abcde\n")])).toThrow(/line_too_long/);
    expect(() => read(new LineReader(4), [Buffer.from("abc"), Buffer.from("de")])).toThrow(/line_too_long/);
  });
});
