// The certificate of a relay that has none from an authority. TLS asks for one; who the relay is, its key says.
import { createPublicKey, randomBytes, sign, type KeyObject } from "node:crypto";
import { timeText } from "../wall-time.ts";
import { DER_TAG, der, derInteger, derObjectId, derTime } from "./der.ts";

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const COMMON_NAME = "2.5.4.3";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

/** X.509 version 3 is written as 2. */
const VERSION_3 = Uint8Array.of(2);
/** The first of the key usages, `digitalSignature`; seven bits of the byte are unused. */
const DIGITAL_SIGNATURE = Uint8Array.of(7, 0x80);
const NO_UNUSED_BITS = Uint8Array.of(0);

export interface SelfSignedOptions {
  /** ECDSA P-256. */
  readonly privateKey: KeyObject;
  readonly commonName: string;
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate for TLS servers, signed with its own key, as PEM. */
export function makeSelfSignedCertificate(options: SelfSignedOptions): string {
  const { privateKey, commonName, notBefore, notAfter } = options;
  const algorithm = der(DER_TAG.sequence, derObjectId(ECDSA_WITH_SHA256));
  const name = nameOf(commonName);
  const toBeSigned = der(
    DER_TAG.sequence,
    der(DER_TAG.context, derInteger(VERSION_3)),
    derInteger(serialNumber()),
    algorithm,
    name,
    der(DER_TAG.sequence, derTime(timeText(notBefore)), derTime(timeText(notAfter))),
    name,
    createPublicKey(privateKey).export({ type: "spki", format: "der" }),
    der(DER_TAG.context + 3, extensions()),
  );
  const signature = sign("sha256", toBeSigned, { key: privateKey, dsaEncoding: "der" });
  const certificate = der(
    DER_TAG.sequence,
    toBeSigned,
    algorithm,
    der(DER_TAG.bitString, NO_UNUSED_BITS, signature),
  );
  return pem(certificate);
}

/** Positive and not zero, as the standard asks, with more than the 64 random bits that it wants. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function nameOf(commonName: string): Uint8Array {
  const value = der(DER_TAG.utf8, Buffer.from(commonName, "utf8"));
  const attribute = der(DER_TAG.sequence, derObjectId(COMMON_NAME), value);
  return der(DER_TAG.sequence, der(DER_TAG.set, attribute));
}

function extensions(): Uint8Array {
  return der(
    DER_TAG.sequence,
    // An empty sequence: not an authority.
    extension(BASIC_CONSTRAINTS, true, der(DER_TAG.sequence)),
    extension(KEY_USAGE, true, der(DER_TAG.bitString, DIGITAL_SIGNATURE)),
    extension(EXTENDED_KEY_USAGE, false, der(DER_TAG.sequence, derObjectId(SERVER_AUTH))),
  );
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [der(DER_TAG.boolean, Uint8Array.of(0xff))] : [];
  return der(DER_TAG.sequence, derObjectId(id), ...flag, der(DER_TAG.octetString, value));
}

function pem(certificate: Uint8Array): string {
  const lines = Buffer.from(certificate)
    .toString("base64")
    .replaceAll(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
