// Files of a machine by the built command: in words, as objects, of any size, and over a cut link.
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startFaultyProxy } from "@holdfast/net/testing";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { build, killDaemon, makeHome, run, start, PATIENCE, type Finished } from "./command.ts";
import { startBytes } from "./raw-command.ts";

// A test is a dozen processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });
beforeAll(build, 120_000);

const BULK_BYTES = 50_000_000;

interface Place {
  readonly home: string;
  /** An empty directory of the machine. */
  readonly folder: string;
  readonly fs: (...args: readonly string[]) => Promise<Finished>;
}

async function place(destination = "host://localhost"): Promise<Place> {
  const home = await makeHome();
  const folder = join(home, "files");
  await mkdir(folder);
  const { code, stderr } = await run(["connect", destination, "--name", "here"], { home });
  expect(code, stderr).toBe(0);
  return { home, folder, fs: (...args) => run(["fs", ...args], { home, input: "" }) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The line behind `hello`. */
function answer({ stdout }: Finished): unknown {
  return JSON.parse(stdout.split("\n")[1]!);
}

describe("fs", () => {
  test("makes, writes, lists, shows, moves and removes", async () => {
    const { folder, fs } = await place();
    expect(await fs("mkdir", `${folder}/a/b`)).toMatchObject({ code: 1, stdout: "" });
    expect((await fs("mkdir", "-p", `here:${folder}/a/b`)).code).toBe(0);
    expect((await fs("mkdir", "--parents", `:${folder}/a/b`)).code).toBe(0);
    expect((await fs("write", `${folder}/a/note`, "first\n")).code).toBe(0);
    expect((await fs("write", "--append", `${folder}/a/note`, "second\n")).code).toBe(0);
    expect(await fs("cat", `${folder}/a/note`)).toEqual({ code: 0, stdout: "first\nsecond\n", stderr: "" });
    await symlink("note", join(folder, "a/link"));
    expect((await fs("ls", `${folder}/a`)).stdout).toBe("b/\nlink@\nnote\n");
    expect((await fs("mv", `here:${folder}/a/note`, `${folder}/a/moved`)).code).toBe(0);
    expect(await fs("exists", `${folder}/a/note`)).toMatchObject({ code: 1, stdout: "false\n" });
    expect(await fs("exists", `${folder}/a/moved`)).toMatchObject({ code: 0, stdout: "true\n" });
    expect(await fs("rm", `${folder}/a`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/error: .*not empty.*\n {2}-r removes a directory with all/) as string,
    });
    expect((await fs("rm", "-r", `${folder}/a`)).code).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  test("with --json the shapes are those of distant", async () => {
    const { folder, fs } = await place();
    await writeFile(join(folder, "x"), "hi", { mode: 0o640 });
    expect(answer(await fs("ls", folder, "--json"))).toEqual({
      type: "dir_entries",
      entries: [{ path: "x", file_type: "file", depth: 1 }],
      errors: [],
    });
    expect(answer(await fs("cat", `${folder}/x`, "--json"))).toEqual({ type: "blob", data: [0x68, 0x69] });
    const { mtimeMs } = await stat(join(folder, "x"));
    expect(answer(await fs("stat", `${folder}/x`, "--json"))).toMatchObject({
      type: "metadata",
      file_type: "file",
      len: 2,
      modified: Math.floor(mtimeMs / 1_000),
      unix: { owner_read: true, owner_exec: false, group_read: true, other_read: false },
    });
    expect(answer(await fs("exists", `${folder}/y`, "--json"))).toEqual({ type: "exists", value: false });
    expect(answer(await fs("write", `${folder}/y`, "z", "--json"))).toEqual({ type: "ok" });
    expect(answer(await fs("rm", `${folder}/none`, "--json"))).toMatchObject({
      type: "error",
      code: "not_found",
    });
  });

  test("names with control bytes are shown escaped, and are whole in objects", async () => {
    const { folder, fs } = await place();
    await writeFile(join(folder, "a\u001B[31mb"), "");
    expect((await fs("ls", folder)).stdout).toBe("a\\x1b[31mb\n");
    expect(answer(await fs("ls", folder, "--json"))).toMatchObject({ entries: [{ path: "a\u001B[31mb" }] });
  });

  test("an empty file is written and shown; stdin is written byte by byte, of any size", async () => {
    const { home, folder, fs } = await place();
    expect((await fs("write", `${folder}/empty`)).code).toBe(0);
    expect(await fs("cat", `${folder}/empty`)).toEqual({ code: 0, stdout: "", stderr: "" });
    const bytes = randomBytes(BULK_BYTES);
    await writeFile(join(folder, "bulk"), bytes);
    const written = startBytes(["fs", "write", `${folder}/copy`], home);
    createReadStream(join(folder, "bulk")).pipe(written.child.stdin);
    expect((await written.finished).code).toBe(0);
    expect(sha256(await readFile(join(folder, "copy")))).toBe(sha256(bytes));
    const { code, stdout } = await startBytes(["fs", "cat", `${folder}/copy`], home).finished;
    expect({ code, hash: sha256(stdout) }).toEqual({ code: 0, hash: sha256(bytes) });
  });

  test("a file of the system, which says that it has 0 bytes, is shown", async () => {
    const { fs } = await place();
    expect((await fs("cat", "/proc/self/status")).stdout).toMatch(/^Name:/);
  });

  test("wrong usage is 2 and says what is right", async () => {
    const { fs } = await place();
    for (const [args, hint] of [
      [["lst", "/"], "did you mean ls?"],
      [["mv", "/a"], "fs mv needs two paths"],
      [["ls", "/", "/tmp"], "fs ls has one path"],
      [["ls", "here:"], "has no path"],
    ] as const) {
      expect(await fs(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(hint) as string });
    }
  });
});

test("a file that is read while the daemon is killed arrives whole, by the next one", async () => {
  const { home, folder } = await place();
  const bytes = randomBytes(20_000_000);
  await writeFile(join(folder, "bulk"), bytes);
  const reading = startBytes(["fs", "cat", join(folder, "bulk")], home, { paused: true });
  await vi.waitFor(() => expect(reading.child.stdout.readableLength).toBeGreaterThan(0), PATIENCE);
  await killDaemon(home);
  reading.read();
  const { code, stdout } = await reading.finished;
  expect({ code, hash: sha256(stdout) }, reading.stderr).toEqual({ code: 0, hash: sha256(bytes) });
});

test("a file that is read over cuts arrives whole", async () => {
  const home = await makeHome();
  const server = start(["serve", "--port", "0", "--json"], { home });
  const [address = ""] = (await server.line("ready")).addresses;
  const proxy = await startFaultyProxy({
    target: { host: "127.0.0.1", port: Number(new URL(address).port) },
  });
  onTestFinished(() => proxy.close());
  const port = "port" in proxy.endpoint ? proxy.endpoint.port : 0;
  expect((await run(["connect", `holdfast://127.0.0.1:${port}`], { home })).code).toBe(0);
  const bytes = randomBytes(20_000_000);
  await writeFile(join(home, "bulk"), bytes);
  const reading = startBytes(["fs", "cat", join(home, "bulk")], home);
  for (const part of [1, 5_000_000, 10_000_000]) {
    await vi.waitFor(() => expect(reading.bytes).toBeGreaterThan(part), PATIENCE);
    proxy.cut();
  }
  const { code, stdout } = await reading.finished;
  expect({ code, hash: sha256(stdout) }).toEqual({ code: 0, hash: sha256(bytes) });
});
