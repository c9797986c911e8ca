// Which connection and which path a word means.
import { expect, test } from "vitest";
import { parseFarPath } from "./far-path.ts";

test.each([
  ["server:/etc/hosts", "server", "/etc/hosts"],
  ["7:notes.txt", "7", "notes.txt"],
  ["my.server-2:a:b", "my.server-2", "a:b"],
  [":/etc", undefined, "/etc"],
  [":a:b", undefined, "a:b"],
  ["/etc/a:b", undefined, "/etc/a:b"],
  ["./a:b", undefined, "./a:b"],
  ["notes.txt", undefined, "notes.txt"],
  ["dir/a:b", undefined, "dir/a:b"],
  ["host:a\nb", "host", "a\nb"],
])("%j", (text, connection, path) => expect(parseFarPath(text)).toEqual({ connection, path }));

test.each(["", ":", "server:"])("%j has no path", (text) => {
  expect(() => parseFarPath(text)).toThrow("has no path");
});
