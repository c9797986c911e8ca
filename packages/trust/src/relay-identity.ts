// Who a relay is: a key that it made once and keeps. Clients pin the key; the certificate around it is made anew
// whenever that is needed, and is not missed if it is lost.
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { HoldfastError, type Clock } from "@holdfast/core";
import {
  describeCertificate,
  openCertificateSource,
  parseCertificates,
  parsePrivateKey,
  type Certificate,
  type CertificateSource,
} from "./certificate/certificate.ts";
import { makeSelfSignedCertificate } from "./certificate/self-signed.ts";
import { createFileOnce, writeFileAtomically } from "./files/atomic-file.ts";
import { readPrivateFile } from "./files/private-file.ts";
import { ensurePrivateFolder } from "./files/private-folder.ts";
import { readStateFile } from "./files/state-file.ts";

const DAY_MS = 86_400_000;
const VALID_DAYS = 3650;
const RENEW_BEFORE_DAYS = 365;
/** Clients whose clocks are behind take it as well. */
const BEFORE_DAYS = 1;

export interface RelayIdentityOptions {
  readonly clock: Pick<Clock, "wall">;
  /** A damaged certificate was set aside and made anew. */
  readonly onWarning?: (warning: HoldfastError) => void;
}

/**
 * The identity that is kept in the folder (`relay.key`, `relay.crt`), made if there is none: an ECDSA P-256 key and a
 * certificate for ten years that is signed with it. In its last year the certificate is made anew, for the same key,
 * when it is loaded or reloaded.
 * @throws HoldfastError, all fatal but `cannot_write`: `unsafe_folder`, `unsafe_file`, `cannot_read`, `cannot_write`,
 * and `bad_key` for a key that is damaged or of another kind: a new one would be another identity, and that is for a
 * person to decide.
 */
export function loadRelayIdentity(folder: string, options: RelayIdentityOptions): Promise<CertificateSource> {
  return openCertificateSource(() => load(folder, options));
}

async function load(folder: string, options: RelayIdentityOptions): Promise<Certificate> {
  await ensurePrivateFolder(folder);
  const key = await loadKey(join(folder, "relay.key"));
  const certFile = join(folder, "relay.crt");
  const { value, setAside } = await readStateFile(certFile, (text) => certificateFor(text, key));
  if (setAside !== undefined) {
    const message = `${certFile} was damaged or for another key; it was made anew and is now ${setAside}`;
    const hint = "the relay's fingerprint is the same as before";
    options.onWarning?.(new HoldfastError({ code: "corrupt_file", message, fault: "local", hint }));
  }
  const now = options.clock.wall();
  if (value !== undefined && value.notAfter - now > RENEW_BEFORE_DAYS * DAY_MS) return value;
  const cert = await makeSelfSignedCertificate({
    privateKey: key.object,
    commonName: "Holdfast relay",
    notBefore: now - BEFORE_DAYS * DAY_MS,
    notAfter: now + VALID_DAYS * DAY_MS,
  });
  await writeFileAtomically(certFile, cert);
  return certificateFor(cert, key);
}

interface RelayKey {
  readonly pem: string;
  readonly object: KeyObject;
}

async function loadKey(path: string): Promise<RelayKey> {
  let pem = await readPrivateFile(path);
  if (pem === undefined) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await createFileOnce(path, privateKey.export({ type: "pkcs8", format: "pem" }));
    // Another process may have been quicker; what is in the file counts.
    pem = await readPrivateFile(path);
  }
  try {
    const object = parsePrivateKey(pem ?? "");
    if (object.asymmetricKeyDetails?.namedCurve !== "prime256v1")
      throw new Error("the key in it is not ECDSA P-256");
    return { pem: pem ?? "", object };
  } catch (thrown) {
    throw new HoldfastError({
      code: "bad_key",
      message: `cannot use the relay's key ${path}: ${thrown instanceof Error ? thrown.message : "it is damaged"}`,
      kind: "fatal",
      fault: "local",
      hint: "put the file back from a backup; or move it away, and each client has to accept the relay's new fingerprint",
    });
  }
}

/** @throws Error if the text is no certificate, is damaged, or is for another key: a self-signed one is signed with its own. */
function certificateFor(text: string, key: RelayKey): Certificate {
  const [leaf] = parseCertificates(text);
  if (leaf === undefined || !leaf.verify(createPublicKey(key.object)))
    throw new Error("not signed with this key");
  return describeCertificate(leaf, text, key.pem);
}
