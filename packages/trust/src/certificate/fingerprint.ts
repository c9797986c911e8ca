// The fingerprint of a key: SHA-256 of its SubjectPublicKeyInfo, so that it stays when the certificate is renewed.
// Written as OpenSSH writes its own, `SHA256:` and base64 without padding; hex and curl's form are read as well.
import { X509Certificate, createHash, type KeyObject } from "node:crypto";
import { HoldfastError } from "@holdfast/core";

const PREFIX = "SHA256:";
const HASH_BYTES = 32;

/** `SHA256:` and 43 characters of base64, of a public key. */
export function keyFingerprint(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return formatFingerprint(createHash("sha256").update(spki).digest());
}

/**
 * The fingerprint of the key that a certificate is for.
 * @throws Error if it is no certificate, or for a key that this system does not know.
 */
export function certificateFingerprint(certificate: Uint8Array | string): string {
  return keyFingerprint(new X509Certificate(certificate).publicKey);
}

/**
 * Read a fingerprint as people have it: `SHA256:` with base64 (padded or not), `sha256//` with base64 (curl), or 64
 * hex digits with or without colons and prefix.
 * @returns the one form in which fingerprints are compared.
 * @throws HoldfastError `bad_fingerprint`.
 */
export function parseFingerprint(text: string): string {
  const trimmed = text.trim();
  const value = trimmed.replace(/^sha-?256(:|\/\/)/i, "");
  const digits = value.replaceAll(":", "");
  if (/^[0-9a-f]{64}$/i.test(digits)) return formatFingerprint(Buffer.from(digits, "hex"));
  if (/^[A-Za-z0-9+/]{43}=?$/.test(value)) {
    const hash = Buffer.from(value, "base64");
    // The last character has two bits too many; with them set it would be another text for the same hash.
    if (hash.length === HASH_BYTES && unpadded(hash) === value.slice(0, 43)) return formatFingerprint(hash);
  }
  throw new HoldfastError({
    code: "bad_fingerprint",
    message: `${JSON.stringify(trimmed.slice(0, 120))} is no fingerprint`,
    kind: "fatal",
    fault: "local",
    hint: "a fingerprint is SHA256: and 43 characters, or 64 hex digits; the relay prints its own when it starts",
  });
}

function formatFingerprint(hash: Uint8Array): string {
  return `${PREFIX}${unpadded(hash)}`;
}

function unpadded(hash: Uint8Array): string {
  return Buffer.from(hash).toString("base64").replace("=", "");
}
