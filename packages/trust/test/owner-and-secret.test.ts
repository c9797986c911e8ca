import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadOwnerKey, ownerId, ownerToken, secretHash, sharedSecrets } from "@holdfast/trust";
import { describe, expect, test } from "vitest";
import { Warnings, temporaryFolder } from "./fixture.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("what is derived from an owner key", () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i);

  test("is what docs/PROTOCOL.md has as its example", () => {
    const token = ownerToken(key, "name:relay.example");
    expect(hex(token)).toBe("949ad2901503f74df8c081633c914ebcaae6056b027c37d34bf58fb6197063e9");
    expect(hex(ownerId(token))).toBe("2314c23cbca069bf9c6acaf07a29b1aa");
  });

  test("is another for another relay, and for another key", () => {
    const pin = `pin:SHA256:${"A".repeat(43)}`;
    const tokens = [
      ownerToken(key, "name:relay.example"),
      ownerToken(key, "name:relay.example."),
      ownerToken(key, pin),
      ownerToken(Uint8Array.from(key).fill(0, 31), "name:relay.example"),
    ].map(hex);
    expect(new Set(tokens).size).toBe(4);
  });
});

describe("the owner key", () => {
  test("is made on first use, 0600, and is the same from then on", async () => {
    const file = join(await temporaryFolder(), "state", "owner.key");
    const key = await loadOwnerKey(file);
    expect(key).toHaveLength(32);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(file, ".."))).mode & 0o777).toBe(0o700);
    expect(await loadOwnerKey(file)).toEqual(key);
    expect(await readFile(file, "utf8")).toBe(`${hex(key)}\n`);
    expect(await loadOwnerKey(`${file}.other`)).not.toEqual(key);
  });

  test("is one, however many ask at once", async () => {
    const folder = join(await temporaryFolder(), "state");
    const keys = await Promise.all(Array.from({ length: 30 }, () => loadOwnerKey(join(folder, "owner.key"))));
    expect(new Set(keys.map(hex)).size).toBe(1);
    expect(await readdir(folder)).toEqual(["owner.key"]);
  });

  test.each([
    ["empty", ""],
    ["cut", "ab".repeat(20)],
    ["too long", `${"ab".repeat(32)}ab\n`],
    ["upper case", `${"AB".repeat(32)}\n`],
    ["raw", "\0".repeat(32)],
  ])("that is damaged (%s) is set aside and reported, once", async (_, text) => {
    const folder = await temporaryFolder();
    const file = join(folder, "owner.key");
    await writeFile(file, text, { mode: 0o600 });
    const warnings = new Warnings();
    const keys = await Promise.all(
      Array.from({ length: 10 }, () => loadOwnerKey(file, { onWarning: warnings.add })),
    );
    expect(new Set(keys.map(hex)).size).toBe(1);
    expect(warnings.codes).toEqual(["corrupt_file"]);
    const aside = (await readdir(folder)).filter((name) => name !== "owner.key");
    expect(aside).toEqual([expect.stringMatching(/^owner\.key\.corrupt-/)]);
    expect(await readFile(join(folder, aside[0] ?? ""), "utf8")).toBe(text);
    for (const { message } of warnings.all) expect(message).not.toMatch(/[0-9a-f]{32}/i);
  });

  test("is not used if others can read it, through a link, or in a folder that is open", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "owner.key");
    await loadOwnerKey(file);
    await symlink(file, join(folder, "link"));
    await expect(loadOwnerKey(join(folder, "link"))).rejects.toMatchObject({ code: "unsafe_file" });
    await chmod(file, 0o644);
    await expect(loadOwnerKey(file)).rejects.toMatchObject({ code: "unsafe_file" });
    await mkdir(join(folder, "open"));
    await chmod(join(folder, "open"), 0o755);
    await expect(loadOwnerKey(join(folder, "open", "owner.key"))).rejects.toMatchObject({
      code: "unsafe_folder",
    });
    expect(await readdir(join(folder, "open"))).toEqual([]);
  });
});

describe("shared secrets", () => {
  test("are hashed as UTF-8 (FIPS 180's own example)", () => {
    expect(hex(secretHash("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(hex(secretHash("ü"))).toBe(hex(secretHash("\u00fc")));
    expect(secretHash("ü")).not.toEqual(secretHash("u\u0308"));
  });

  test("each of several is good, in every place, and nothing else is", () => {
    const secrets = sharedSecrets(["new", "old", "older"]);
    for (const good of ["new", "old", "older"]) expect(secrets.accepts(good)).toBe(true);
    for (const bad of ["", "New", "new ", "ne", "newold", "x".repeat(100_000)]) {
      expect(secrets.accepts(bad)).toBe(false);
    }
    expect(secrets.hashes[0]).toEqual(secretHash("new"));
    expect(secrets.hashes).toHaveLength(3);
  });

  test.each([[[]], [["good", ""]], [Array.from({ length: 9 }, (_, i) => `s${i}`)]])(
    "%j is no list of secrets, and the error quotes none",
    (list) => {
      expect(() => sharedSecrets(list)).toThrow(
        expect.objectContaining({
          code: "bad_secret_list",
          message: expect.not.stringContaining("good") as string,
        }) as Error,
      );
    },
  );
});
