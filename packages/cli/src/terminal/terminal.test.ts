import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeText } from "./escape.ts";
import { formatDuration, formatTable, plural } from "./format.ts";
import { LiveView } from "./live-view.ts";

test("nothing that a terminal obeys survives escaping, and ordinary text does", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      (text) => !/[\p{Cc}\u202A-\u202E\u2066-\u2069]/u.test(escapeText(text)),
    ),
  );
  expect(escapeText("Grüße, 世界 👋")).toBe("Grüße, 世界 👋");
  expect(escapeText("\u001B[2J\n\u009B\u202E")).toBe("\\x1b[2J\\x0a\\x9b\\u{202e}");
});

test("durations as people read them", () => {
  const shown = [0, 999, 1_000, 42_100, 99_949, 120_000, 185_000, 3_600_000, 7_800_000].map(formatDuration);
  expect(shown).toEqual([
    "0 ms",
    "999 ms",
    "1.0 s",
    "42.1 s",
    "99.9 s",
    "2 min",
    "3 min 5 s",
    "1 h",
    "2 h 10 min",
  ]);
  expect([plural(1, "attempt"), plural(7, "attempt")]).toEqual(["1 attempt", "7 attempts"]);
});

test("tables line up", () => {
  expect(
    formatTable([
      ["A", "BB", "C"],
      ["aaa", "b", "ccc"],
    ]),
  ).toEqual(["A    BB  C", "aaa  b   ccc"]);
});

describe("the live view", () => {
  function viewOn(columns: number, rows: number): { view: LiveView; written: string[] } {
    const written: string[] = [];
    const screen = { columns, rows, write: (text: string) => written.push(text) > 0, on: () => undefined };
    return { view: new LiveView(screen), written };
  }

  test("goes back over what it drew, and only over that", () => {
    const { view, written } = viewOn(80, 24);
    view.draw(["one", "two"]);
    view.draw(["three"]);
    view.log("stays");
    view.draw(["four"]);
    view.close();
    expect(written.slice(1)).toEqual([
      "\r\u001B[Jone\u001B[K\ntwo\u001B[K\n",
      "\u001B[2A\r\u001B[Jthree\u001B[K\n",
      "\u001B[1A\r\u001B[Jstays\n",
      "\r\u001B[Jfour\u001B[K\n",
      "\u001B[?25h",
    ]);
  });

  test("cuts lines to the width without counting or breaking colours, and the picture to the height", () => {
    const { view, written } = viewOn(5, 3);
    view.draw(["\u001B[32mabc\u001B[39mdefgh", "2", "3", "4"]);
    expect(written[1]).toBe("\r\u001B[J\u001B[32mabc\u001B[39mde\u001B[K\n2\u001B[K\n");
  });
});
