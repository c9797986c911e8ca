import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadCertificateFiles, type CertificateSource } from "@holdfast/trust";
import { expect, test } from "vitest";
import { makeSelfSignedCertificate } from "../src/certificate/self-signed.ts";
import { TestClock, Warnings, temporaryFolder } from "./fixture.ts";

const DAY = 86_400_000;

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function pair(clock: TestClock, days = 90, since = -1): Promise<Pair> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const notAfter = clock.wallMs + days * DAY;
  const notBefore = clock.wallMs + since * DAY;
  return {
    cert: await makeSelfSignedCertificate({ privateKey, commonName: "relay.example", notBefore, notAfter }),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

class Files {
  readonly clock = new TestClock();
  readonly warnings = new Warnings();
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get certFile(): string {
    return join(this.folder, "cert.pem");
  }

  get keyFile(): string {
    return join(this.folder, "key.pem");
  }

  async put({ cert, key }: Pair): Promise<void> {
    await writeFile(this.certFile, cert);
    await writeFile(this.keyFile, key, { mode: 0o600 });
  }

  load(): Promise<CertificateSource> {
    const { clock, warnings } = this;
    return loadCertificateFiles(this.certFile, this.keyFile, { clock, onWarning: warnings.add });
  }
}

async function files(): Promise<Files> {
  return new Files(await temporaryFolder());
}

test("are read, with the chain, and read again when asked", async () => {
  const at = await files();
  const first = await pair(at.clock);
  const issuer = await pair(at.clock);
  await at.put({ ...first, cert: `some text\n${first.cert}${issuer.cert}` });
  const source = await at.load();
  expect(source.current().cert).toContain(issuer.cert);
  const second = await pair(at.clock);
  await at.put(second);
  expect(source.current().key).toBe(first.key);
  expect(await source.reload()).toBe(source.current());
  expect(source.current().key).toBe(second.key);
  expect(source.current().fingerprint).toMatch(/^SHA256:/);
  expect(at.warnings.codes).toEqual([]);
});

test("that do not belong together are refused; while they are being renewed the old ones stay", async () => {
  const at = await files();
  const first = await pair(at.clock);
  const second = await pair(at.clock);
  await at.put(first);
  const source = await at.load();
  await writeFile(at.certFile, second.cert);
  await expect(source.reload()).rejects.toMatchObject({ code: "key_mismatch", kind: "fatal" });
  await expect(at.load()).rejects.toMatchObject({ code: "key_mismatch" });
  expect(source.current().cert).toBe(first.cert);
  await writeFile(at.keyFile, second.key);
  expect((await source.reload()).cert).toBe(second.cert);
});

test("that expired are refused with the day, that expire soon are warned of", async () => {
  const at = await files();
  await at.put(await pair(at.clock, 5));
  const source = await at.load();
  expect(at.warnings.codes).toEqual(["certificate_expires"]);
  at.clock.wallMs += 5 * DAY;
  await expect(source.reload()).rejects.toMatchObject({
    code: "certificate_expired",
    text: `the certificate in ${at.certFile} expired on 2026-11-27`,
  });
  await at.put(await pair(at.clock, 90, 2));
  await expect(at.load()).rejects.toMatchObject({ code: "certificate_not_yet_valid" });
});

test("may be links of the operator; a key that others can read is warned of", async () => {
  const at = await files();
  const good = await pair(at.clock);
  await mkdir(join(at.folder, "live"));
  await writeFile(join(at.folder, "live", "cert"), good.cert);
  await writeFile(join(at.folder, "live", "key"), good.key, { mode: 0o640 });
  await symlink(join(at.folder, "live", "cert"), at.certFile);
  await symlink(join(at.folder, "live", "key"), at.keyFile);
  expect((await at.load()).current().cert).toBe(good.cert);
  expect(at.warnings.codes).toEqual([]);
  await chmod(join(at.folder, "live", "key"), 0o644);
  await at.load();
  expect(at.warnings.codes).toEqual(["key_exposed"]);
});

const CERT = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

test.each([
  ["no certificate", { cert: "nothing" }, "bad_certificate", "there is no certificate in"],
  ["a damaged certificate", { cert: CERT }, "bad_certificate", "certificate 1 in it is damaged"],
  ["no key", { key: "nothing" }, "bad_key", "there is no private key in it"],
  [
    "a damaged key",
    { key: "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n" },
    "bad_key",
    "damaged",
  ],
] as const)("%s is said in words", async (_, wrong, code, why) => {
  const at = await files();
  await at.put({ ...(await pair(at.clock)), ...wrong });
  const failure = await at.load().then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  expect(failure).toMatchObject({ code, kind: "fatal", fault: "local" });
  expect(failure?.message).toContain(why);
  expect(`${failure?.message} ${String(failure?.cause)}`).not.toContain("SECRET");
});

test("a damaged certificate behind a good one is counted", async () => {
  const at = await files();
  const good = await pair(at.clock);
  await at.put({ ...good, cert: good.cert + CERT });
  await expect(at.load()).rejects.toThrow("certificate 2 in it is damaged");
});

test("a key with a passphrase is refused as such", async () => {
  const at = await files();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const type of ["pkcs8", "sec1"] as const) {
    const key = privateKey.export({ type, format: "pem", cipher: "aes-256-cbc", passphrase: "x" });
    await at.put({ ...(await pair(at.clock)), key: key.toString() });
    await expect(at.load()).rejects.toThrow("encrypted with a passphrase");
  }
});

test("the two files in each other's place are not guessed", async () => {
  const at = await files();
  const { cert, key } = await pair(at.clock);
  await at.put({ cert: key, key: cert });
  await expect(at.load()).rejects.toMatchObject({ code: "bad_certificate" });
});

test("a file that cannot be read is named, with why", async () => {
  const at = await files();
  await expect(at.load()).rejects.toThrow(
    `cannot read the certificate ${at.certFile}: there is no such file`,
  );
  await at.put(await pair(at.clock));
  execFileSync("rm", [at.keyFile]);
  await mkdir(at.keyFile);
  await expect(at.load()).rejects.toThrow(`cannot read the key ${at.keyFile}: it is a folder`);
});
