// A certificate and its key as TLS takes them, checked so that a mistake is named when the files are read and not when
// the first client comes.
import { X509Certificate, createPrivateKey, type KeyObject } from "node:crypto";
import { parseTime } from "../wall-time.ts";
import { keyFingerprint } from "./fingerprint.ts";

/** `cert` and `key` are named as `tls.createServer` and `setSecureContext` name them. */
export interface Certificate {
  /** PEM; the relay's own first, then those that lead to an authority. */
  readonly cert: string;
  /** PEM. Never to be shown. */
  readonly key: string;
  /** Of the key, as `SHA256:…`. */
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Where a server takes its certificate from. */
export interface CertificateSource {
  /** The last one that was good. */
  current(): Certificate;
  /**
   * Read the files again.
   * @throws HoldfastError as when they were read first; `current` then stays as it is.
   */
  reload(): Promise<Certificate>;
}

/** Keep what `load` gave; a failed reload changes nothing. */
export async function openCertificateSource(load: () => Promise<Certificate>): Promise<CertificateSource> {
  let current = await load();
  return {
    current: () => current,
    reload: async () => {
      current = await load();
      return current;
    },
  };
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Every certificate of a PEM text. @throws Error that says which one is damaged. */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  return (pem.match(BLOCK) ?? []).map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (thrown) {
      throw new Error(`certificate ${index + 1} in it is damaged`, { cause: thrown });
    }
  });
}

/** @throws Error in words: none there, encrypted, damaged. */
export function parsePrivateKey(pem: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new Error("the key in it is encrypted with a passphrase");
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw new Error("there is no private key in it");
  try {
    return createPrivateKey(pem);
  } catch {
    // What OpenSSL says may quote the input.
    throw new Error("the key in it is damaged");
  }
}

/** Put together what belongs together; `leaf` must be for `key`. */
export function describeCertificate(leaf: X509Certificate, cert: string, key: string): Certificate {
  return {
    cert,
    key,
    fingerprint: keyFingerprint(leaf.publicKey),
    notBefore: parseTime(leaf.validFrom),
    notAfter: parseTime(leaf.validTo),
  };
}
