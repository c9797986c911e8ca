import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameDecoder, MAX_FRAME_BYTES } from "./frames.ts";

const text = (frame: Uint8Array | undefined): string | undefined =>
  frame === undefined ? undefined : new TextDecoder().decode(frame);
const bytes = (string: string): Uint8Array => new TextEncoder().encode(string);

function decodeAll(chunks: Uint8Array[]): string[] {
  const decoder = new FrameDecoder();
  const frames: string[] = [];
  const drain = (): void => {
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next())
      frames.push(text(frame) ?? "");
  };
  for (const chunk of chunks) {
    decoder.push(chunk);
    drain();
  }
  decoder.end();
  drain();
  return frames;
}

describe("frames", () => {
  test("256 bytes are a frame, 257 are an error", () => {
    const decoder = new FrameDecoder();
    decoder.push(bytes(`${"x".repeat(MAX_FRAME_BYTES)}\0`));
    expect(decoder.next()).toHaveLength(MAX_FRAME_BYTES);
    decoder.push(bytes(`${"x".repeat(MAX_FRAME_BYTES + 1)}\0`));
    expect(() => decoder.next()).toThrow(/frame_too_long/);
  });

  test("257 bytes are an error before their end has come", () => {
    const decoder = new FrameDecoder();
    decoder.push(bytes("x".repeat(MAX_FRAME_BYTES)));
    expect(decoder.next()).toBeUndefined();
    decoder.push(bytes("x"));
    expect(() => decoder.next()).toThrow(/frame_too_long/);
  });

  test("what is unterminated at the end is delivered, what is empty is not", () => {
    expect(decodeAll([bytes('{"Hello":0}')])).toEqual(['{"Hello":0}']);
    expect(decodeAll([bytes('{"Hello":0}\0')])).toEqual(['{"Hello":0}']);
  });

  test("raw bytes behind a frame stay untouched", () => {
    const decoder = new FrameDecoder();
    decoder.push(bytes("frame\0raw\0bytes"));
    expect(text(decoder.next())).toBe("frame");
    expect(text(decoder.rest())).toBe("raw\0bytes");
    expect(decoder.next()).toBeUndefined();
  });

  test("frames come out as they went in, however the stream is cut", () => {
    const frame = fc.string({ maxLength: 60 }).map((s) => s.replaceAll("\0", ""));
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.nat(80)), (frames, cuts) => {
        const stream = bytes(frames.map((f) => `${f}\0`).join(""));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.slice(at, at + cut));
          at += cut;
        }
        chunks.push(stream.slice(at));
        expect(decodeAll(chunks)).toEqual(frames);
      }),
    );
  });

  test("garbage gives frames within the limit or one coded error, nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 8 }), (chunks) => {
        const decoder = new FrameDecoder();
        try {
          for (const chunk of chunks) {
            decoder.push(chunk);
            for (let f = decoder.next(); f !== undefined; f = decoder.next()) {
              expect(f.length).toBeLessThanOrEqual(MAX_FRAME_BYTES);
            }
          }
        } catch (error) {
          expect(error).toMatchObject({ code: "frame_too_long", fault: "peer" });
        }
      }),
    );
  });
});
