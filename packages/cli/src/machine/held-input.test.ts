// What is typed while the connection is away is kept up to a limit, and Ctrl-C drops it.
import { expect, test } from "vitest";
import { HeldInput, MOST_HELD_BYTES } from "./held-input.ts";

test("what is typed is given back in order, once", () => {
  const held = new HeldInput();
  expect(held.add(Buffer.from("ls "))).toBe(0);
  expect(held.add(Buffer.from("-l\r"))).toBe(0);
  expect(held.bytes).toBe(6);
  expect(held.take().toString()).toBe("ls -l\r");
  expect(held.take()).toHaveLength(0);
  expect(held.bytes).toBe(0);
});

test("the bytes are its own: the terminal's buffer may be used again", () => {
  const held = new HeldInput();
  const buffer = Buffer.from("abc");
  held.add(buffer);
  buffer.fill(0x78);
  expect(held.take().toString()).toBe("abc");
});

test("Ctrl-C drops what came before it, also in the same piece, and is not kept itself", () => {
  const held = new HeldInput();
  held.add(Buffer.from("rm -r "));
  held.add(Buffer.from("x\u0003ls\r"));
  expect(held.take().toString()).toBe("ls\r");
  held.add(Buffer.from("y"));
  held.add(Buffer.from("\u0003"));
  expect(held.bytes).toBe(0);
});

test("beyond the limit nothing is kept, and the number is told", () => {
  const held = new HeldInput();
  expect(held.add(Buffer.alloc(MOST_HELD_BYTES - 1, 0x61))).toBe(0);
  expect(held.add(Buffer.from("bcd"))).toBe(2);
  expect(held.add(Buffer.from("e"))).toBe(1);
  expect(held.take().toString()).toBe(`${"a".repeat(MOST_HELD_BYTES - 1)}b`);
  expect(held.add(Buffer.from("f"))).toBe(0);
});
