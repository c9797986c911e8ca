import { X509Certificate } from "node:crypto";
import { chmod, readFile, readdir, rm, stat, symlink, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { certificateFingerprint, loadRelayIdentity } from "@holdfast/trust";
import { expect, test } from "vitest";
import { TestClock, Warnings, temporaryFolder } from "./fixture.ts";

const DAY = 86_400_000;

interface Kept {
  readonly folder: string;
  readonly clock: TestClock;
  readonly warnings: Warnings;
  readonly load: () => ReturnType<typeof loadRelayIdentity>;
}

async function keep(): Promise<Kept> {
  const folder = join(await temporaryFolder(), "relay");
  const clock = new TestClock();
  const warnings = new Warnings();
  return {
    folder,
    clock,
    warnings,
    load: () => loadRelayIdentity(folder, { clock, onWarning: warnings.add }),
  };
}

test("is made once, private, for ten years, and fit for TLS", async () => {
  const { folder, clock, load, warnings } = await keep();
  const first = (await load()).current();
  expect(first.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  expect(certificateFingerprint(first.cert)).toBe(first.fingerprint);
  expect(first.notAfter).toBe(clock.wallMs + 3650 * DAY);
  expect(first.notBefore).toBe(clock.wallMs - DAY);
  createSecureContext({ cert: first.cert, key: first.key });
  expect((await load()).current()).toEqual(first);
  expect((await readdir(folder)).toSorted()).toEqual(["relay.crt", "relay.key"]);
  for (const name of ["relay.crt", "relay.key"]) {
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  }
  expect(warnings.codes).toEqual([]);
});

test("is one, however many start at once", async () => {
  const { folder, load } = await keep();
  const all = await Promise.all(Array.from({ length: 12 }, load));
  expect(new Set(all.map((source) => source.current().fingerprint)).size).toBe(1);
  for (const source of all) {
    const { cert, key } = source.current();
    createSecureContext({ cert, key });
  }
  expect((await readdir(folder)).toSorted()).toEqual(["relay.crt", "relay.key"]);
});

test("is renewed in its last year, by a reload, and the pin stays", async () => {
  const { clock, load } = await keep();
  const source = await load();
  const first = source.current();
  clock.wallMs = first.notAfter - 366 * DAY;
  expect(await source.reload()).toEqual(first);
  clock.wallMs = first.notAfter - 364 * DAY;
  const second = await source.reload();
  expect(source.current()).toBe(second);
  expect(second.cert).not.toBe(first.cert);
  expect(second.fingerprint).toBe(first.fingerprint);
  expect(second.notAfter).toBe(clock.wallMs + 3650 * DAY);
  expect((await load()).current()).toEqual(second);
});

test("that expired while nobody looked is renewed too", async () => {
  const { clock, load } = await keep();
  const first = (await load()).current();
  clock.wallMs = first.notAfter + 1000 * DAY;
  const second = (await load()).current();
  expect(second.fingerprint).toBe(first.fingerprint);
  expect(second.notAfter).toBeGreaterThan(clock.wallMs);
});

test("a certificate that is lost is made anew without a word, a damaged one with; the pin stays", async () => {
  const { folder, load, warnings } = await keep();
  const { fingerprint } = (await load()).current();
  await rm(join(folder, "relay.crt"));
  expect((await load()).current().fingerprint).toBe(fingerprint);
  expect(warnings.codes).toEqual([]);
  await writeFile(
    join(folder, "relay.crt"),
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  expect((await load()).current().fingerprint).toBe(fingerprint);
  expect(warnings.codes).toEqual(["corrupt_file"]);
  expect((await readdir(folder)).filter((name) => name.includes("corrupt"))).toHaveLength(1);
});

test("a certificate with one bit turned is made anew", async () => {
  const { folder, load, warnings } = await keep();
  const { cert, fingerprint } = (await load()).current();
  const der = Buffer.from(new X509Certificate(cert).raw);
  der.writeUInt8(der.readUInt8(der.length - 5) ^ 1, der.length - 5);
  const body = der.toString("base64");
  await writeFile(
    join(folder, "relay.crt"),
    `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
  );
  expect((await load()).current().fingerprint).toBe(fingerprint);
  expect(warnings.codes).toEqual(["corrupt_file"]);
});

test("a certificate for another key is never served", async () => {
  const { folder, load, warnings } = await keep();
  const other = await keep();
  const mine = (await load()).current();
  await other.load();
  await rename(join(other.folder, "relay.crt"), join(folder, "relay.crt"));
  const now = (await load()).current();
  expect(now.fingerprint).toBe(mine.fingerprint);
  expect(new X509Certificate(now.cert).verify(new X509Certificate(mine.cert).publicKey)).toBe(true);
  expect(warnings.codes).toEqual(["corrupt_file"]);
});

test.each([
  ["empty", "", "there is no private key in it"],
  ["cut", undefined, "the key in it is damaged"],
  ["of another kind", "rsa", "not ECDSA P-256"],
])("a key that is %s is never replaced: a person decides", async (_, content, why) => {
  const { folder, load } = await keep();
  const source = await load();
  const before = source.current();
  const path = join(folder, "relay.key");
  const text =
    content === undefined
      ? before.key.replace(/\n[^-\n]{20}/, "\n")
      : content === "rsa"
        ? await otherKey()
        : content;
  await writeFile(path, text);
  const failure = await load().then(
    () => undefined,
    (thrown: unknown) => thrown as Error & { hint: string },
  );
  expect(failure).toMatchObject({ code: "bad_key", kind: "fatal" });
  expect(failure?.message).toContain(why);
  expect(failure?.hint).toContain("backup");
  expect(failure?.message).not.toMatch(/[A-Za-z0-9+/]{40}/);
  expect(await readFile(path, "utf8")).toBe(text);
  await expect(source.reload()).rejects.toMatchObject({ code: "bad_key" });
  expect(source.current(), "a failed reload changes nothing").toBe(before);
});

async function otherKey(): Promise<string> {
  const { generateKeyPairSync } = await import("node:crypto");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

test("is not used if others can read the key, it is a link, or the folder is open", async () => {
  const { folder, load } = await keep();
  await load();
  const key = join(folder, "relay.key");
  await chmod(key, 0o640);
  await expect(load()).rejects.toMatchObject({ code: "unsafe_file", hint: `run: chmod 600 ${key}` });
  await chmod(key, 0o600);
  await rename(key, `${key}.real`);
  await symlink(`${key}.real`, key);
  await expect(load()).rejects.toMatchObject({ code: "unsafe_file" });
  await chmod(folder, 0o755);
  await expect(load()).rejects.toMatchObject({ code: "unsafe_folder" });
});
