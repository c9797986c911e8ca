import { writeFileSync } from "node:fs";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFileOnce, writeFileAtomically } from "../src/files/atomic-file.ts";
import { readStateFile } from "../src/files/state-file.ts";
import { temporaryFolder } from "./fixture.ts";

test("a file is replaced whole, is 0600 and leaves no temporary file", async () => {
  const at = await temporaryFolder();
  const path = join(at, "leases.json");
  await writeFileAtomically(path, '{"a":1}');
  await writeFileAtomically(path, '{"a":2}');
  expect(await readStateFile(path, JSON.parse)).toEqual({ value: { a: 2 }, setAside: undefined });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(at)).toEqual(["leases.json"]);
});

test("a failed write says so and leaves nothing behind", async () => {
  const at = await temporaryFolder();
  await expect(writeFileAtomically(join(at, "missing", "x"), "")).rejects.toMatchObject({
    code: "cannot_write",
  });
  expect(await readdir(at)).toEqual([]);
});

test("a damaged file is set aside with its content, a missing one is no failure", async () => {
  const path = join(await temporaryFolder(), "leases.json");
  expect(await readStateFile(path, JSON.parse)).toEqual({ value: undefined, setAside: undefined });
  await writeFileAtomically(path, "{half");
  const { value, setAside } = await readStateFile(path, JSON.parse);
  expect(value).toBeUndefined();
  expect(await readFile(setAside!, "utf8")).toBe("{half");
  expect(await readStateFile(path, JSON.parse)).toEqual({ value: undefined, setAside: undefined });
});

test("of twenty that make a file at once, one does, and its content is whole", async () => {
  const at = await temporaryFolder();
  const path = join(at, "key");
  const contents = Array.from({ length: 20 }, (_, i) => String(i).padStart(2, "0").repeat(500));
  const made = await Promise.all(contents.map((content) => createFileOnce(path, content)));
  expect(made.filter(Boolean)).toHaveLength(1);
  expect(await readFile(path, "utf8")).toBe(contents[made.indexOf(true)]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(at), "no temporary file is left").toEqual(["key"]);
});

test("of ten that find a file damaged, one sets it aside, and the good one that follows stays", async () => {
  for (let round = 0; round < 20; round++) {
    const at = await temporaryFolder();
    const path = join(at, "key");
    await writeFileAtomically(path, "{half");
    const read = async (): Promise<unknown> => {
      const { value, setAside } = await readStateFile(path, JSON.parse);
      if (value === undefined) await createFileOnce(path, '{"good":1}');
      return setAside;
    };
    const aside = await Promise.all(Array.from({ length: 10 }, read));
    expect(aside.filter((name) => name !== undefined)).toHaveLength(1);
    expect((await readStateFile(path, JSON.parse)).value).toEqual({ good: 1 });
    expect((await readdir(at)).filter((name) => name !== "key")).toHaveLength(1);
  }
});

test("a good file that came while a damaged one was looked at is put back and read", async () => {
  const at = await temporaryFolder();
  const path = join(at, "key");
  await writeFileAtomically(path, "{half");
  let looks = 0;
  const { value, setAside } = await readStateFile(path, (text): unknown => {
    // Another process sets the damaged one aside and makes a good one, right now.
    if (++looks === 1) writeFileSync(path, '{"good":1}');
    return JSON.parse(text);
  });
  expect({ value, setAside, looks }).toEqual({ value: { good: 1 }, setAside: undefined, looks: 2 });
  expect(await readdir(at)).toEqual(["key"]);
});

test("a check that fails at the last moment leaves everything as it was", async () => {
  const at = await temporaryFolder();
  const path = join(at, "key");
  await writeFileAtomically(path, "before");
  const refuse = (): Promise<void> => Promise.reject(new Error("no longer ours"));
  await expect(writeFileAtomically(path, "after", refuse)).rejects.toMatchObject({ code: "cannot_write" });
  expect(await readFile(path, "utf8")).toBe("before");
  expect(await readdir(at)).toEqual(["key"]);
});
