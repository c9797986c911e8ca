import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { idTowards, parseAuthorizedKeys, readAuthorizedKeys } from "./authorized-keys.ts";

const ID = "0123456789abcdef0123456789ABCDEF";

test("a line is an id and whatever a person adds to it; comments and empty lines are nothing", () => {
  const text = `# Ada\r\n\r\n  ${ID}  ada@laptop\n${ID.toLowerCase()}\n`;
  expect([...parseAuthorizedKeys(text, "keys")]).toEqual([ID.toLowerCase()]);
  expect(parseAuthorizedKeys("", "keys").size).toBe(0);
});

test("one line that is not understood is a mistake of the whole file", () => {
  for (const line of ["ssh-ed25519 AAAA", ID.slice(1), `${ID}0`, "x"]) {
    expect(() => parseAuthorizedKeys(`${ID}\n${line}\n`, "keys"), line).toThrow(/line 2 of keys/);
  }
  const many = Array.from({ length: 5_000 }, (_, n) => n.toString(16).padStart(32, "0")).join("\n");
  expect(() => parseAuthorizedKeys(many, "keys")).toThrow(/more than 4096/);
});

test("a file that others can write, or that is not there, is not used", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hf-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "keys");
  await expect(readAuthorizedKeys(file)).rejects.toMatchObject({ code: "bad_keys" });
  await writeFile(file, `${ID}\n`);
  // Who may read it does not matter: an id is no secret.
  await chmod(file, 0o644);
  expect((await readAuthorizedKeys(file)).size).toBe(1);
  await chmod(file, 0o664);
  await expect(readAuthorizedKeys(file)).rejects.toMatchObject({ code: "bad_keys", kind: "fatal" });
});

test("an id is another one at each server, and for each owner", () => {
  const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const ids = [idTowards(one, "pin:a"), idTowards(one, "pin:b"), idTowards(other, "pin:a")];
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
});
