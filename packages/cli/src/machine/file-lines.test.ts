// Files in words and as objects.
import { expect, test } from "vitest";
import { outputLine } from "@holdfast/control/schemas";
import { listLine, listText, statLine, statText } from "./file-lines.ts";

const files = [
  { name: "bin", type: "directory" },
  { name: "a\u001Bb", type: "file" },
  { name: "link", type: "symlink" },
  { name: "socket", type: "other" },
] as const;

test("a list, with control bytes of names escaped", () => {
  expect(listText(files)).toEqual(["bin/", "a\\x1bb", "link@", "socket"]);
  expect(outputLine.parse(listLine(files))).toMatchObject({
    entries: [
      { path: "bin", file_type: "dir", depth: 1 },
      { path: "a\u001Bb" },
      { file_type: "symlink" },
      {},
    ],
  });
});

test("what is known of a file, and what is not", () => {
  const stat = { type: "file", size: 1, mode: 0o640, modifiedMs: 1_500 } as const;
  expect(statText(stat)).toBe("file, 1 byte, mode 0640, modified 1970-01-01T00:00:01.500Z");
  expect(outputLine.parse(statLine(stat))).toMatchObject({
    file_type: "file",
    len: 1,
    readonly: false,
    modified: 1,
    unix: { owner_read: true, owner_write: true, owner_exec: false, group_read: true, other_read: false },
  });
  const unknown = { type: "directory", size: 0, mode: undefined, modifiedMs: undefined } as const;
  expect(statText(unknown)).toBe("directory, 0 bytes");
  expect(outputLine.parse(statLine(unknown))).toEqual({
    type: "metadata",
    file_type: "dir",
    len: 0,
    readonly: false,
  });
  expect(statText({ ...stat, modifiedMs: 1e300 })).toContain("ms after 1970");
});
