// Requests for files, by the machine of the plugin `host`, in distant's shapes.
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { hostClient, type Client } from "./client.ts";

let home: string;
let client: Client;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "hf-api-")));
  ({ client } = await hostClient(home));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
});

describe("files by lines", () => {
  it("writes, appends and reads bytes and text", async () => {
    await client.get("ok", { type: "file_write", path: "a", data: [0, 255, 10] });
    await client.get("ok", { type: "file_append", path: "a", data: [1] });
    expect(await client.get("blob", { type: "file_read", path: "a" })).toEqual({
      type: "blob",
      data: [0, 255, 10, 1],
    });
    await client.get("ok", { type: "file_write_text", path: "b", text: "größe\n" });
    await client.get("ok", { type: "file_append_text", path: "b", text: "zwei" });
    expect(await client.get("text", { type: "file_read_text", path: "b" })).toEqual({
      type: "text",
      data: "größe\nzwei",
    });
    expect(await readFile(join(home, "b"), "utf8")).toBe("größe\nzwei");
  });

  it("takes an empty table of Lua for no bytes", async () => {
    await client.get("ok", { type: "file_write", path: "a", data: {} });
    expect(await client.get("blob", { type: "file_read", path: "a" })).toEqual({ type: "blob", data: [] });
  });

  it("says that a file is no text, instead of changing it", async () => {
    await writeFile(join(home, "a"), Buffer.from([0xff, 0xfe]));
    expect(await client.ask({ type: "file_read_text", path: "a" })).toMatchObject({ kind: "invalid_data" });
  });

  it("reads a part, and refuses more than one answer may have", async () => {
    const { client: small } = await hostClient(home, { limits: { readBytes: 4 } });
    await writeFile(join(home, "a"), "0123456789");
    expect(await small.ask({ type: "file_read_text", path: "a" })).toMatchObject({
      type: "error",
      kind: "other",
      description: expect.stringContaining("more than 4 bytes"),
    });
    const options = { offset: 3, len: 4 };
    expect(await small.ask({ type: "file_read_text", path: "a", options })).toEqual({
      type: "text",
      data: "3456",
    });
    expect(
      await small.ask([options, options].map((one) => ({ type: "file_read", path: "a", options: one }))),
    ).toEqual([
      { type: "blob", data: [51, 52, 53, 54] },
      expect.objectContaining({
        type: "error",
        description: expect.stringContaining("too large for one answer"),
      }),
    ]);
  });

  it("gives errors distant's kinds", async () => {
    await writeFile(join(home, "file"), "");
    await mkdir(join(home, "full/below"), { recursive: true });
    const kinds: [request: object, kind: string][] = [
      [{ type: "file_read", path: "none" }, "not_found"],
      [{ type: "file_read", path: "full" }, "other"],
      [{ type: "dir_read", path: "none" }, "not_found"],
      [{ type: "dir_create", path: "full" }, "already_exists"],
      [{ type: "remove", path: "full" }, "other"],
      [{ type: "rename", src: "none", dst: "x" }, "not_found"],
      [{ type: "copy", src: "none", dst: "x" }, "not_found"],
      [{ type: "metadata", path: "none" }, "not_found"],
      [{ type: "file_read", path: "a\0b" }, "invalid_input"],
      [{ type: "watch", path: "full", recursive: true }, "unsupported"],
      [{ type: "unwatch", path: "full" }, "unsupported"],
      [{ type: "search", query: { target: "path" } }, "unsupported"],
      [{ type: "cancel_search", id: 1 }, "unsupported"],
    ];
    for (const [request, kind] of kinds) {
      expect(await client.ask(request), JSON.stringify(request)).toMatchObject({ type: "error", kind });
    }
  });

  it("makes, moves and removes", async () => {
    await client.get("ok", { type: "dir_create", path: "a/b", all: true });
    await client.get("ok", { type: "rename", src: "a", dst: "c" });
    expect(await client.ask({ type: "exists", path: "c/b" })).toEqual({ type: "exists", value: true });
    expect(await client.ask({ type: "exists", path: "a" })).toEqual({ type: "exists", value: false });
    await client.get("ok", { type: "remove", path: "c", force: true });
    expect(await client.ask({ type: "exists", path: "c" })).toEqual({ type: "exists", value: false });
  });

  it("takes a link that leads nowhere for nothing, and a file below a file, too", async () => {
    await symlink("nowhere", join(home, "link"));
    await writeFile(join(home, "file"), "");
    for (const path of ["link", "file/below"]) {
      expect(await client.ask({ type: "exists", path })).toEqual({ type: "exists", value: false });
    }
  });
});

describe("what is known about a path", () => {
  it("has distant's fields, times in seconds", async () => {
    await writeFile(join(home, "file"), "12345");
    await chmod(join(home, "file"), 0o540);
    const { mtimeMs } = await stat(join(home, "file"));
    expect(await client.ask({ type: "metadata", path: "file" })).toEqual({
      type: "metadata",
      file_type: "file",
      len: 5,
      readonly: true,
      modified: Math.floor(mtimeMs / 1_000),
      unix: {
        owner_read: true,
        owner_write: false,
        owner_exec: true,
        group_read: true,
        group_write: false,
        group_exec: false,
        other_read: false,
        other_write: false,
        other_exec: false,
      },
    });
  });

  it("is that of a link itself, or of what it leads to", async () => {
    await mkdir(join(home, "folder"));
    await symlink("folder", join(home, "link"));
    const of = (more: object): Promise<unknown> => client.ask({ type: "metadata", path: "./link", ...more });
    expect(await of({})).toMatchObject({ file_type: "symlink" });
    expect(await of({ resolve_file_type: true })).toMatchObject({ file_type: "dir" });
    expect(await of({ canonicalize: true })).toMatchObject({
      file_type: "symlink",
      canonicalized_path: join(home, "folder"),
    });
  });

  it("has permissions that can be set one by one", async () => {
    await mkdir(join(home, "folder"));
    await writeFile(join(home, "folder/file"), "");
    await chmod(join(home, "folder/file"), 0o640);
    await symlink("file", join(home, "folder/link"));
    const mode = async (): Promise<number> => (await stat(join(home, "folder/file"))).mode & 0o777;
    const set = (path: string, permissions: object, options?: object): Promise<unknown> =>
      client.ask({ type: "set_permissions", path, permissions, options });
    expect(await set("folder/file", { owner_write: false, other_read: true })).toEqual({ type: "ok" });
    expect(await mode()).toBe(0o444);
    expect(await set("folder/file", {})).toEqual({ type: "ok" });
    expect(await set("folder/link", { owner_exec: true }, { exclude_symlinks: true })).toEqual({
      type: "ok",
    });
    expect(await mode()).toBe(0o444);
    expect(await set("folder", { owner_write: true }, { recursive: true })).toEqual({ type: "ok" });
    expect(await mode()).toBe(0o644);
    expect(await set("none", { owner_write: true })).toMatchObject({ kind: "not_found" });
    expect(
      await set("folder", { owner_read: true }, { recursive: true, follow_symlinks: true }),
    ).toMatchObject({
      kind: "unsupported",
    });
  });
});

describe("a directory", () => {
  beforeEach(async () => {
    await mkdir(join(home, "root/b/deep"), { recursive: true });
    await writeFile(join(home, "root/a"), "");
    await writeFile(join(home, "root/b/deep/c"), "");
    await symlink(join(home, "root/a"), join(home, "root/inside"));
    await symlink("/", join(home, "root/outside"));
  });
  const read = (more: object): Promise<unknown> => client.ask({ type: "dir_read", path: "root", ...more });
  const entry = (path: string, file_type: string, depth: number): object => ({ path, file_type, depth });

  it("is read one level deep unless more is asked for, by name, links not followed", async () => {
    expect(await read({})).toEqual({
      type: "dir_entries",
      entries: [
        entry("a", "file", 1),
        entry("b", "dir", 1),
        entry("inside", "symlink", 1),
        entry("outside", "symlink", 1),
      ],
      errors: [],
    });
  });

  it("is read to a depth, or to the end", async () => {
    expect(await read({ depth: 2 })).toMatchObject({
      entries: expect.arrayContaining([entry("b/deep", "dir", 2)]),
    });
    const all = [
      entry("a", "file", 1),
      entry("b", "dir", 1),
      entry("b/deep", "dir", 2),
      entry("b/deep/c", "file", 3),
      entry("inside", "symlink", 1),
      entry("outside", "symlink", 1),
    ];
    expect(await read({ depth: 0 })).toEqual({ type: "dir_entries", entries: all, errors: [] });
  });

  it("has absolute paths, its root, and canonical paths if they are asked for", async () => {
    const root = join(home, "root");
    expect(await read({ absolute: true, include_root: true })).toMatchObject({
      entries: [
        entry(root, "dir", 0),
        entry(join(root, "a"), "file", 1),
        entry(join(root, "b"), "dir", 1),
        entry(join(root, "inside"), "symlink", 1),
        entry(join(root, "outside"), "symlink", 1),
      ],
    });
    expect(await read({ canonicalize: true })).toMatchObject({
      entries: [
        entry("a", "file", 1),
        entry("b", "dir", 1),
        entry("a", "symlink", 1),
        entry("/", "symlink", 1),
      ],
    });
  });

  it("says which of its directories cannot be read, and goes on", async () => {
    await symlink("nowhere", join(home, "root/dangling"));
    expect(await read({ canonicalize: true })).toMatchObject({
      errors: [{ kind: "not_found", description: expect.stringContaining("dangling") }],
    });
  });

  it("that is a file has nothing in it", async () => {
    expect(await client.ask({ type: "dir_read", path: "root/a" })).toEqual({
      type: "dir_entries",
      entries: [],
      errors: [],
    });
  });

  it("is not read beyond the limit", async () => {
    const { client: small } = await hostClient(home, { limits: { entries: 3 } });
    expect(await small.ask({ type: "dir_read", path: "root", depth: 0 })).toMatchObject({
      type: "error",
      description: expect.stringContaining("more than 3 entries"),
    });
  });
});

describe("a copy", () => {
  it("of a large file is whole, and onto itself harms nothing", async () => {
    const bytes = Buffer.alloc(9_000_001, "0123456789");
    await writeFile(join(home, "large"), bytes);
    await client.get("ok", { type: "copy", src: "large", dst: "copy" });
    expect(bytes.equals(await readFile(join(home, "copy")))).toBe(true);
    await symlink("large", join(home, "same"));
    await client.get("ok", { type: "copy", src: "same", dst: "large" });
    expect(bytes.equals(await readFile(join(home, "large")))).toBe(true);
    expect(await client.ask({ type: "dir_read", path: "." })).toMatchObject({
      entries: ["copy", "large", "same"].map((path) => expect.objectContaining({ path })),
    });
  });

  it("that fails leaves nothing behind", async () => {
    await writeFile(join(home, "large"), Buffer.alloc(5_000_000));
    await mkdir(join(home, "folder"));
    expect(await client.ask({ type: "copy", src: "large", dst: "folder" })).toMatchObject({ type: "error" });
    expect((await readdir(home)).toSorted()).toEqual(["folder", "large"]);
  });

  it("of a directory has all that is in it, also if it goes into itself", async () => {
    await mkdir(join(home, "from/below"), { recursive: true });
    await writeFile(join(home, "from/below/file"), "text");
    await symlink("below/file", join(home, "from/link"));
    await client.get("ok", { type: "copy", src: "from", dst: "from/to" });
    expect(await readFile(join(home, "from/to/below/file"), "utf8")).toBe("text");
    expect(await readFile(join(home, "from/to/link"), "utf8")).toBe("text");
  });

  it("does not follow links to directories", async () => {
    await mkdir(join(home, "from"));
    await symlink("/", join(home, "from/link"));
    expect(await client.ask({ type: "copy", src: "from", dst: "to" })).toMatchObject({ kind: "unsupported" });
    expect(await client.ask({ type: "exists", path: "to" })).toEqual({ type: "exists", value: false });
  });
});
