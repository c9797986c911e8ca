// What a full-screen program has switched on is switched off again, and nothing else.
import { expect, test } from "vitest";
import { ScreenModes } from "./screen-modes.ts";

function after(...pieces: readonly string[]): string {
  const modes = new ScreenModes();
  for (const piece of pieces) modes.see(Buffer.from(piece, "latin1"));
  return modes.undo();
}

test("an editor that was cut off leaves its screen, the mouse and the cursor as they were", () => {
  const undone = after("\u001B[?1049h\u001B[?25l\u001B[?1000;1006h", "text");
  expect(undone).toBe("\u001B[?1049l\u001B[?25h\u001B[?1000l\u001B[?1006l\u001B[0m");
});

test("what the program has undone itself is left alone", () => {
  expect(after("\u001B[?1049h\u001B[?25l", "\u001B[?25h\u001B[?1049l")).toBe("");
  expect(after("plain text", "\u001B[31mred")).toBe("");
  expect(after("\u001B[?2026h")).toBe("");
});

test("a switch that comes in two pieces counts, cut anywhere", () => {
  const text = "\u001B[?1049;25h";
  for (let cut = 1; cut < text.length; cut += 1) {
    expect(after(text.slice(0, cut), text.slice(cut)), `cut at ${cut}`).toBe("\u001B[?1049l\u001B[0m");
  }
  expect(after(...text.split(""))).toBe("\u001B[?1049l\u001B[0m");
});

test("it is undone once", () => {
  const modes = new ScreenModes();
  modes.see(Buffer.from("\u001B[?25l"));
  expect(modes.undo()).not.toBe("");
  expect(modes.undo()).toBe("");
});
