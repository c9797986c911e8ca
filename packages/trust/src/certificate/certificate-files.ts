// A certificate that somebody else made: two files, named by the operator, read again when asked.
import { open } from "node:fs/promises";
import type { X509Certificate } from "node:crypto";
import { HoldfastError, type Clock } from "@holdfast/core";
import { effectiveUser } from "../files/effective-user.ts";
import { describeSystemError } from "../files/system-error.ts";
import { dayText } from "../wall-time.ts";
import {
  describeCertificate,
  openCertificateSource,
  parseCertificates,
  parsePrivateKey,
  type Certificate,
  type CertificateSource,
} from "./certificate.ts";

/** No such file is longer, in bytes. */
const MAX_FILE_BYTES = 1024 * 1024;
const DAY_MS = 86_400_000;
/** Sooner than that an operator hears of the end, in milliseconds. Authorities renew 30 days before it. */
const WARN_BEFORE_MS = 7 * DAY_MS;

export interface CertificateFilesOptions {
  readonly clock: Pick<Clock, "wall">;
  /** What is not wrong but soon may be: a key that others can read, an end that is near. */
  readonly onWarning?: (warning: HoldfastError) => void;
}

/**
 * Use a certificate and its key from PEM files. The files may be links, and of another user: they are the operator's.
 * @throws HoldfastError, all fatal: `cannot_read`, `bad_certificate`, `bad_key`, `key_mismatch`,
 * `certificate_expired`, `certificate_not_yet_valid`.
 */
export function loadCertificateFiles(
  certFile: string,
  keyFile: string,
  options: CertificateFilesOptions,
): Promise<CertificateSource> {
  return openCertificateSource(() => load(certFile, keyFile, options));
}

async function load(
  certFile: string,
  keyFile: string,
  options: CertificateFilesOptions,
): Promise<Certificate> {
  const cert = await readPem(certFile, "certificate");
  const key = await readPem(keyFile, "key");
  const leaf = leafOf(certFile, cert.text);
  const privateKey = guard("bad_key", keyFile, () => parsePrivateKey(key.text));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw failure(
      "key_mismatch",
      `the key in ${keyFile} is not the one that the certificate in ${certFile} is for`,
      "give the two files of one certificate; if they are being renewed just now, try again",
    );
  }
  const certificate = describeCertificate(leaf, cert.text, key.text);
  checkDates(certFile, certificate, options);
  if (effectiveUser() !== undefined && (key.mode & 0o006) !== 0) {
    const message = `other users of this machine can read or change the key in ${keyFile}`;
    options.onWarning?.(
      new HoldfastError({ code: "key_exposed", message, fault: "local", hint: `run: chmod 600 ${keyFile}` }),
    );
  }
  return certificate;
}

function leafOf(certFile: string, text: string): X509Certificate {
  const [leaf] = guard("bad_certificate", certFile, () => parseCertificates(text));
  if (leaf !== undefined) return leaf;
  throw failure("bad_certificate", `there is no certificate in ${certFile}`, "it has to be in PEM form");
}

function checkDates(certFile: string, certificate: Certificate, options: CertificateFilesOptions): void {
  const now = options.clock.wall();
  const end = dayText(certificate.notAfter);
  if (now >= certificate.notAfter) {
    throw failure(
      "certificate_expired",
      `the certificate in ${certFile} expired on ${end}`,
      "renew it; clients would refuse it",
    );
  }
  if (now < certificate.notBefore) {
    throw failure(
      "certificate_not_yet_valid",
      `the certificate in ${certFile} is not valid before ${dayText(certificate.notBefore)}`,
      "look at this machine's clock",
    );
  }
  if (certificate.notAfter - now < WARN_BEFORE_MS) {
    const message = `the certificate in ${certFile} expires on ${end}`;
    options.onWarning?.(
      new HoldfastError({ code: "certificate_expires", message, fault: "local", hint: "renew it" }),
    );
  }
}

async function readPem(
  path: string,
  what: string,
): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    const file = await open(path, "r");
    try {
      const { size, mode } = await file.stat();
      if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes`);
      return { text: await file.readFile("utf8"), mode };
    } finally {
      await file.close();
    }
  } catch (thrown) {
    const message = `cannot read the ${what} ${path}: ${describeSystemError(thrown)}`;
    throw failure("cannot_read", message, undefined, thrown);
  }
}

function guard<T>(code: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : "it is damaged";
    throw failure(code, `cannot use ${path}: ${why}`, undefined);
  }
}

function failure(code: string, message: string, hint: string | undefined, cause?: unknown): HoldfastError {
  return new HoldfastError({ code, message, kind: "fatal", fault: "local", hint, cause });
}
