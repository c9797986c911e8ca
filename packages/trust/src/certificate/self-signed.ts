// The certificate of a relay that has none from an authority. TLS asks for one; who the relay is, its key says.
import { createPublicKey, randomBytes, webcrypto, type KeyObject } from "node:crypto";
import { dateOf } from "../wall-time.ts";

export interface SelfSignedOptions {
  /** ECDSA P-256. */
  readonly privateKey: KeyObject;
  readonly commonName: string;
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A certificate for TLS servers, signed with its own key, as PEM. */
export async function makeSelfSignedCertificate(options: SelfSignedOptions): Promise<string> {
  const { privateKey, commonName, notBefore, notAfter } = options;
  // Loaded only where a certificate has to be made, which is once. It needs the polyfill before it.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await keyPair(privateKey);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [commonName] }],
      notBefore: dateOf(notBefore),
      notAfter: dateOf(notAfter),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ],
    },
    webcrypto,
  );
  return `${certificate.toString("pem")}\n`;
}

async function keyPair(privateKey: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return {
    privateKey: await webcrypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]),
    publicKey: await webcrypto.subtle.importKey("spki", spki, ALGORITHM, true, ["verify"]),
  };
}

/** Positive and not zero, as the standard asks, with more than the 64 random bits that it wants. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
