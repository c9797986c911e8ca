import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MAX_PRIVATE_FILE_BYTES, readPrivateFile } from "../src/files/private-file.ts";
import { ensurePrivateFolder } from "../src/files/private-folder.ts";
import { temporaryFolder } from "./fixture.ts";

test("reads a file of mode 0600, and says that there is none", async () => {
  const path = join(await temporaryFolder(), "key");
  expect(await readPrivateFile(path)).toBeUndefined();
  await writeFile(path, "text", { mode: 0o600 });
  expect(await readPrivateFile(path)).toBe("text");
});

test.each([0o640, 0o604, 0o660, 0o602, 0o610])("refuses mode %o and says what to run", async (mode) => {
  const path = join(await temporaryFolder(), "key");
  await writeFile(path, "text");
  await chmod(path, mode);
  await expect(readPrivateFile(path)).rejects.toMatchObject({
    code: "unsafe_file",
    kind: "fatal",
    hint: `run: chmod 600 ${path}`,
  });
});

test("refuses a link, even to a good file", async () => {
  const at = await temporaryFolder();
  await writeFile(join(at, "real"), "text", { mode: 0o600 });
  await symlink(join(at, "real"), join(at, "key"));
  await expect(readPrivateFile(join(at, "key"))).rejects.toMatchObject({ code: "unsafe_file" });
});

test("refuses what is no plain file, and does not wait on a pipe", async () => {
  const at = await temporaryFolder();
  await mkdir(join(at, "key"), { mode: 0o700 });
  await expect(readPrivateFile(join(at, "key"))).rejects.toMatchObject({ code: "unsafe_file" });
  execFileSync("mkfifo", ["-m", "600", join(at, "pipe")]);
  await expect(readPrivateFile(join(at, "pipe"))).rejects.toMatchObject({ code: "unsafe_file" });
});

test("refuses more than the limit without reading it", async () => {
  const path = join(await temporaryFolder(), "key");
  await writeFile(path, "", { mode: 0o600 });
  await truncate(path, MAX_PRIVATE_FILE_BYTES + 1);
  await expect(readPrivateFile(path)).rejects.toMatchObject({ code: "cannot_read" });
});

test("refuses a file and a folder of another user", async ({ skip }) => {
  if (process.geteuid?.() !== 0) skip("only root can give a file away");
  const at = await temporaryFolder();
  await writeFile(join(at, "key"), "text", { mode: 0o600 });
  await chown(join(at, "key"), 12_345, 12_345);
  await expect(readPrivateFile(join(at, "key"))).rejects.toMatchObject({
    code: "unsafe_file",
    text: expect.stringContaining("belongs to user 12345") as string,
  });
  await mkdir(join(at, "theirs"), { mode: 0o700 });
  await chown(join(at, "theirs"), 12_345, 12_345);
  await expect(ensurePrivateFolder(join(at, "theirs"))).rejects.toMatchObject({ code: "unsafe_folder" });
});

test("refuses a folder that is a link, a file, or open to others", async () => {
  const at = await temporaryFolder();
  await ensurePrivateFolder(join(at, "a", "b"));
  await symlink(join(at, "a"), join(at, "link"));
  await writeFile(join(at, "file"), "");
  await chmod(join(at, "a", "b"), 0o750);
  for (const [path, code] of [
    [join(at, "link"), "unsafe_folder"],
    [join(at, "a", "b"), "unsafe_folder"],
    [join(at, "file"), "cannot_make_folder"],
  ] as const) {
    await expect(ensurePrivateFolder(path)).rejects.toMatchObject({ code, kind: "fatal" });
  }
});
