import { execFileSync } from "node:child_process";
import { mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeFileAtomically } from "../src/files/atomic-file.ts";
import { breakLock, withFileLock } from "../src/files/file-lock.ts";
import { TestClock, temporaryFolder } from "./fixture.ts";

const clock = new TestClock();

async function path(): Promise<string> {
  return join(await temporaryFolder(), "count");
}

async function countUp(at: string): Promise<void> {
  await withFileLock(at, { clock, staleAfterMs: 60_000, waitMs: 60_000 }, async (lock) => {
    const count = Number(await readFile(at, "utf8"));
    await writeFileAtomically(at, String(count + 1), lock.assertHeld);
  });
}

test("forty changes at once are all made, one after the other", async () => {
  const at = await path();
  await writeFile(at, "0");
  await Promise.all(Array.from({ length: 40 }, () => countUp(at)));
  expect(await readFile(at, "utf8")).toBe("40");
  expect(await readdir(join(at, ".."))).toEqual(["count"]);
});

test("a lock that a crash left is taken away, by one of many", async () => {
  const at = await path();
  await writeFile(at, "0");
  await writeFile(`${at}.lock`, "dead");
  let inside = 0;
  const change = (): Promise<void> =>
    withFileLock(at, { clock, staleAfterMs: 300, waitMs: 60_000 }, async () => {
      expect(++inside).toBe(1);
      await countOnce(at);
      inside--;
    });
  await Promise.all(Array.from({ length: 10 }, change));
  expect(await readFile(at, "utf8")).toBe("10");
  expect(await readdir(join(at, ".."))).toEqual(["count"]);
});

async function countOnce(at: string): Promise<void> {
  await writeFileAtomically(at, String(Number(await readFile(at, "utf8")) + 1));
}

test("who waits for too long is told, and what to do", async () => {
  const at = await path();
  await writeFile(`${at}.lock`, "busy");
  await expect(
    withFileLock(at, { clock, staleAfterMs: 60_000, waitMs: 50 }, async () => undefined),
  ).rejects.toMatchObject({ code: "file_busy", hint: expect.stringContaining(`${at}.lock`) as string });
  expect(await readFile(`${at}.lock`, "utf8")).toBe("busy");
});

test("a holder that was taken for dead learns it before its change, and leaves the other's lock alone", async () => {
  const at = await path();
  await writeFile(at, "before");
  const stopped = withFileLock(at, { clock }, async (lock) => {
    await writeFile(`${at}.lock`, "another");
    await writeFileAtomically(at, "after", lock.assertHeld);
  });
  await expect(stopped).rejects.toMatchObject({ code: "file_busy" });
  expect(await readFile(at, "utf8")).toBe("before");
  expect((await readdir(join(at, ".."))).toSorted()).toEqual(["count", "count.lock"]);
  expect(await readFile(`${at}.lock`, "utf8")).toBe("another");
});

test("a failure inside gives the lock back", async () => {
  const at = await path();
  await expect(withFileLock(at, { clock }, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await withFileLock(at, { clock, waitMs: 0 }, async () => undefined);
});

test("a lock that changed hands right before it is broken stays", async () => {
  const at = await path();
  await writeFile(`${at}.lock`, "new");
  await breakLock(`${at}.lock`, "old");
  expect(await readFile(`${at}.lock`, "utf8")).toBe("new");
  expect(await readdir(join(at, ".."))).toEqual(["count.lock"]);
  await breakLock(`${at}.lock`, "new");
  await breakLock(`${at}.lock`, "new");
  expect(await readdir(join(at, ".."))).toEqual([]);
});

test.each([
  ["a folder", (lock: string) => mkdir(lock)],
  ["a link that leads nowhere", (lock: string) => symlink(`${lock}.none`, lock)],
  ["a link to somebody's file", (lock: string) => symlink("/etc/passwd", lock)],
  ["a pipe", (lock: string) => Promise.resolve(void execFileSync("mkfifo", [lock]))],
])("what cannot be a lock is neither followed, waited for nor taken away: %s", async (_, put) => {
  const at = await path();
  await put(`${at}.lock`);
  await expect(
    withFileLock(at, { clock, staleAfterMs: 100, waitMs: 60_000 }, async () => undefined),
  ).rejects.toMatchObject({ code: "unsafe_file", hint: expect.stringContaining(`${at}.lock`) as string });
  expect(await readdir(join(at, ".."))).toEqual(["count.lock"]);
});
