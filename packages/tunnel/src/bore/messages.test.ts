import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_FRAME_BYTES } from "./frames.ts";
import {
  beginsServerMessage,
  decodeClientMessage,
  decodeServerMessage,
  encode,
  type ClientMessage,
  type ServerMessage,
} from "./messages.ts";

const ID = "67e55044-10b1-426f-9247-bb680e5fe0c8";
const TAG = "1fe113028d00805df37e05d48fafdab80236708d2c66b2b239c9ccc9a801dcb1";
const text = (message: ClientMessage | ServerMessage): string => new TextDecoder().decode(encode(message));
const frame = (json: string): Uint8Array => new TextEncoder().encode(json);

describe("the exact bytes", () => {
  const literal: [ClientMessage | ServerMessage, string][] = [
    [{ type: "authenticate", tag: TAG }, `{"Authenticate":"${TAG}"}\0`],
    [{ type: "hello", port: 9114 }, '{"Hello":9114}\0'],
    [{ type: "accept", id: ID }, `{"Accept":"${ID}"}\0`],
    [{ type: "challenge", id: ID }, `{"Challenge":"${ID}"}\0`],
    [{ type: "heartbeat" }, '"Heartbeat"\0'],
    [{ type: "connection", id: ID }, `{"Connection":"${ID}"}\0`],
    [{ type: "error", text: "invalid secret" }, '{"Error":"invalid secret"}\0'],
  ];
  test.each(literal)("%j", (message, bytes) => {
    expect(text(message)).toBe(bytes);
  });

  test("lengths that bore.md gives", () => {
    expect(encode({ type: "authenticate", tag: TAG })).toHaveLength(84);
    expect(encode({ type: "heartbeat" })).toHaveLength(12);
  });
});

describe("reading", () => {
  const known: [string, ClientMessage][] = [
    ['{"Hello":0}', { type: "hello", port: 0 }],
    ['{"Hello":65535}', { type: "hello", port: 65_535 }],
    ['  {"Hello" : 7 } \n', { type: "hello", port: 7 }],
    [`{"Accept":"${ID.toUpperCase().replaceAll("-", "")}"}`, { type: "accept", id: ID }],
    [`{"Authenticate":"${TAG}"}`, { type: "authenticate", tag: TAG }],
  ];
  test.each(known)("a relay reads %s", (json, message) => {
    expect(decodeClientMessage(frame(json))).toEqual(message);
  });

  test.each([
    "",
    "garbage",
    '{"Hello":65536}',
    '{"Hello":-1}',
    '{"Hello":1.5}',
    '{"Hello":"1"}',
    '{"Hello":null}',
    '{"Hello":1,"Accept":"x"}',
    "{}",
    "[]",
    "7",
    "true",
    '"Hello"',
    '{"Accept":"x"}',
    '{"Authenticate":7}',
    '{"Challenge":"67e55044-10b1-426f-9247-bb680e5fe0c8"}',
    '"Heartbeat"',
    '{"__proto__":1}',
    '{"constructor":1}',
  ])("a relay refuses %s", (json) => {
    expect(() => decodeClientMessage(frame(json))).toThrow(/bad_message/);
  });

  test("both ways of writing a heartbeat are read", () => {
    expect(decodeServerMessage(frame('"Heartbeat"'))).toEqual({ type: "heartbeat" });
    expect(decodeServerMessage(frame('{"Heartbeat":null}'))).toEqual({ type: "heartbeat" });
    expect(() => decodeServerMessage(frame('{"Heartbeat":1}'))).toThrow(/bad_message/);
  });

  test("null is the end of the stream", () => {
    expect(decodeClientMessage(frame("null"))).toEqual({ type: "end" });
    expect(decodeServerMessage(frame(" null "))).toEqual({ type: "end" });
  });

  test("bytes that are no UTF-8 are no message", () => {
    const broken = Uint8Array.from([...frame('{"Error":"'), 0xff, ...frame('"}')]);
    expect(() => decodeServerMessage(broken)).toThrow(/bad_message/);
  });

  test("whatever comes is a message or the coded error", () => {
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 256 }),
      fc.json().map(frame),
      fc
        .tuple(fc.constantFrom("Hello", "Accept", "Error", "Challenge"), fc.jsonValue())
        .map(([key, value]) => {
          return frame(JSON.stringify({ [key]: value }));
        }),
    );
    fc.assert(
      fc.property(input, (bytes) => {
        for (const decode of [decodeClientMessage, decodeServerMessage]) {
          try {
            expect(typeof decode(bytes).type).toBe("string");
          } catch (error) {
            expect(error).toMatchObject({ code: "bad_message" });
          }
        }
      }),
    );
  });

  test("what one side writes the other side reads", () => {
    const id = fc.uuid();
    const port = fc.nat(65_535);
    const server: fc.Arbitrary<ServerMessage> = fc.oneof(
      fc.record({ type: fc.constant("challenge" as const), id }),
      fc.record({ type: fc.constant("connection" as const), id }),
      fc.record({ type: fc.constant("hello" as const), port }),
      fc.record({ type: fc.constant("error" as const), text: fc.string({ maxLength: 40 }) }),
    );
    fc.assert(
      fc.property(server, (message) => {
        const written = encode(message);
        expect(decodeServerMessage(written.subarray(0, -1))).toEqual(message);
        expect(written.indexOf(0)).toBe(written.length - 1);
      }),
    );
  });
});

test("an error text of any length and content fits into a frame, and loses no more than it must", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (long) => {
      const written = encode({ type: "error", text: long });
      expect(written.length).toBeLessThanOrEqual(MAX_FRAME_BYTES + 1);
      const read = decodeServerMessage(written.subarray(0, -1));
      expect(read.type === "error" && long.startsWith(read.text)).toBe(true);
    }),
  );
  expect(encode({ type: "error", text: "x".repeat(1_000) })).toHaveLength(MAX_FRAME_BYTES + 1);
  expect(encode({ type: "error", text: "x".repeat(244) })).toHaveLength(MAX_FRAME_BYTES + 1);
});

test("a message that was cut is told from garbage", () => {
  const messages: ServerMessage[] = [
    { type: "challenge", id: ID },
    { type: "hello", port: 9_114 },
    { type: "heartbeat" },
    { type: "connection", id: ID },
    { type: "error", text: "port already in use" },
  ];
  for (const message of messages) {
    const written = encode(message);
    for (let cut = 0; cut < written.length; cut += 1)
      expect(beginsServerMessage(written.subarray(0, cut))).toBe(true);
  }
  for (const garbage of ["HTTP/1.1 400 Bad Request", "SSH-2.0-OpenSSH", '{"error":', "[", "x"]) {
    expect(beginsServerMessage(frame(garbage))).toBe(false);
  }
});
