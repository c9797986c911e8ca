import { execFileSync } from "node:child_process";
import { X509Certificate, createHash, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { certificateFingerprint, parseFingerprint } from "../src/certificate/fingerprint.ts";
import { makeSelfSignedCertificate } from "../src/certificate/self-signed.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const NOW = Date.UTC(2026, 10, 22);
const YEAR = 365.25 * 86_400_000;

function make(notAfter = NOW + 10 * YEAR, notBefore = NOW): Promise<string> {
  return makeSelfSignedCertificate({ privateKey, commonName: "Holdfast relay", notBefore, notAfter });
}

describe("a self-signed certificate", () => {
  test("is what Node reads back, for its key, signed with it", async () => {
    const certificate = new X509Certificate(await make());
    expect(certificate.subject).toBe("CN=Holdfast relay");
    expect(certificate.issuer).toBe("CN=Holdfast relay");
    expect(certificate.validFrom).toBe("Nov 22 00:00:00 2026 GMT");
    expect(certificate.validTo).toBe("Nov 21 12:00:00 2036 GMT");
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(new X509Certificate(await make(NOW + 60 * YEAR)).validTo).toMatch(/2086 GMT$/);
  });

  test("is good by OpenSSL's strictest, and has the extensions of a server", async ({ skip }) => {
    const input = await make(Date.now() + YEAR, Date.now() - YEAR);
    const openssl = (args: string[]): string => {
      try {
        return execFileSync("openssl", args, {
          input,
          encoding: "utf8",
        });
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === "ENOENT") skip("there is no openssl");
        throw thrown;
      }
    };
    const text = openssl(["x509", "-noout", "-text"]);
    expect(text).toMatch(/Version: 3 \(0x2\)/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/TLS Web Server Authentication/);
    const spki = openssl(["x509", "-noout", "-pubkey"]);
    const printed = createHash("sha256")
      .update(Buffer.from(spki.replaceAll(/-----[^-]+-----|\n/g, ""), "base64"))
      .digest("base64");
    expect(certificateFingerprint(await make())).toBe(`SHA256:${printed.slice(0, 43)}`);
  });

  test("serves TLS 1.3, and verifies where it is itself the authority", async () => {
    const cert = await make(Date.now() + YEAR, Date.now() - 1_000);
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const server = createServer({ cert, key, minVersion: "TLSv1.3" }, (socket) => socket.end());
    server.listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = connect({
      host: "127.0.0.1",
      port,
      ca: cert,
      checkServerIdentity: () => undefined,
    });
    await once(socket, "secureConnect");
    expect(socket.authorized).toBe(true);
    expect(certificateFingerprint(socket.getPeerCertificate().raw)).toBe(certificateFingerprint(cert));
    socket.destroy();
    await once(socket, "close");
  });
});

describe("fingerprints", () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7));
  const base64 = bytes.toString("base64");
  const canonical = `SHA256:${base64.slice(0, 43)}`;

  test.each([
    canonical,
    ` ${canonical}\n`,
    `SHA256:${base64}`,
    `sha256:${base64}`,
    base64,
    `sha256//${base64}`,
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    `SHA256:${bytes.toString("hex")}`,
    bytes
      .toString("hex")
      .replaceAll(/..(?=.)/g, "$&:")
      .toUpperCase(),
    `sha-256:${bytes.toString("hex").replaceAll(/..(?=.)/g, "$&:")}`,
  ])("reads %j", (text) => {
    expect(parseFingerprint(text)).toBe(canonical);
  });

  test.each([
    "",
    "SHA256:",
    canonical.slice(0, -1),
    `${canonical}A`,
    `${canonical}==`,
    `${bytes.toString("hex")}0`,
    bytes.toString("hex").slice(2),
    `MD5:${base64}`,
    `SHA512:${base64}`,
    base64.replace(/.=$/, "/="),
    canonical.replaceAll(/[+/]/g, "-"),
    "\u001b[31m",
  ])("refuses %j, and says what one looks like", (text) => {
    expect(() => parseFingerprint(text)).toThrow(
      expect.objectContaining({ code: "bad_fingerprint", kind: "fatal" }) as Error,
    );
  });

  test("what is refused is printed with control bytes escaped, and not at length", () => {
    const text = `\u001b[31m${"x".repeat(10_000)}`;
    expect(() => parseFingerprint(text)).toThrow(
      /^bad_fingerprint: "\\u001b\[31mx{0,120}" is no fingerprint$/,
    );
  });
});
