// Certificates for tests, made in a moment: a key, a name, and a signature by itself or by another one.
import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";

export interface TestCertificate {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  readonly der: Buffer;
  /** SHA-256 of the public key, hex. */
  readonly fingerprint: string;
  readonly issuer: { readonly name: string; readonly key: KeyObject };
}

/** For `localhost`, `127.0.0.1` and the name; signed by itself, or by `by`. */
export function testCertificate(name = "localhost", by?: TestCertificate): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subjectKey = publicKey.export({ type: "spki", format: "der" });
  const algorithm = sequence(oid("2a8648ce3d040302"));
  const names = [dnsName(name), dnsName("localhost"), der(0x87, Buffer.from([127, 0, 0, 1]))];
  const extensions = [
    sequence(oid("551d11"), der(0x04, sequence(...names))),
    sequence(
      oid("551d13"),
      der(0x01, Buffer.from([0xff])),
      der(0x04, sequence(der(0x01, Buffer.from([0xff])))),
    ),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    commonName(by?.issuer.name ?? name),
    sequence(utcTime("200101000000Z"), utcTime("491231000000Z")),
    commonName(name),
    subjectKey,
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, by?.issuer.key ?? privateKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: new X509Certificate(whole).toString(),
    der: whole,
    fingerprint: createHash("sha256").update(subjectKey).digest("hex"),
    issuer: { name, key: privateKey },
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function utcTime(text: string): Buffer {
  return der(0x17, Buffer.from(text));
}

function dnsName(name: string): Buffer {
  return der(0x82, Buffer.from(name));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(name)))));
}
