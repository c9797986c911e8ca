import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readStateFile, writeFileAtomically } from "./atomic-file.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-file-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

test("a file is replaced whole, is 0600 and leaves no temporary file", async () => {
  const at = await folder();
  const path = join(at, "leases.json");
  await writeFileAtomically(path, '{"a":1}');
  await writeFileAtomically(path, '{"a":2}');
  expect(await readStateFile(path, JSON.parse)).toEqual({ value: { a: 2 }, setAside: undefined });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(at)).toEqual(["leases.json"]);
});

test("a failed write says so and leaves nothing behind", async () => {
  const at = await folder();
  await expect(writeFileAtomically(join(at, "missing", "x"), "")).rejects.toMatchObject({
    code: "cannot_write",
  });
  expect(await readdir(at)).toEqual([]);
});

test("a damaged file is set aside with its content, a missing one is no failure", async () => {
  const path = join(await folder(), "leases.json");
  expect(await readStateFile(path, JSON.parse)).toEqual({ value: undefined, setAside: undefined });
  await writeFileAtomically(path, "{half");
  const { value, setAside } = await readStateFile(path, JSON.parse);
  expect(value).toBeUndefined();
  expect(await readFile(setAside!, "utf8")).toBe("{half");
  expect(await readStateFile(path, JSON.parse)).toEqual({ value: undefined, setAside: undefined });
});
