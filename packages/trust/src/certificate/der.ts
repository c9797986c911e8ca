// As much of DER as a certificate is made of: a tag, a length, and what is inside.

/** The tags that are used. */
export const DER_TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** `[n]`, explicit. */
  context: 0xa0,
} as const;

export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content]);
}

/** Short form up to 127, then the number of bytes and the bytes. */
function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

/** An unsigned number: a leading zero keeps the sign away, others are left out. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return der(DER_TAG.integer, Uint8Array.of(...sign), digits);
}

/** `1.2.840.10045.4.3.2`. */
export function derObjectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  return der(DER_TAG.objectId, Uint8Array.of(first * 40 + second, ...others.flatMap(base128)));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | (rest % 128));
  }
  return bytes;
}

/** X.509 wants two-digit years up to 2049, and four digits from then on. `text` is RFC 3339 in UTC. */
export function derTime(text: string): Uint8Array {
  const digits = `${text.slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
  const ascii = (value: string): Uint8Array => Buffer.from(value, "latin1");
  return Number(text.slice(0, 4)) < 2050
    ? der(DER_TAG.utcTime, ascii(digits.slice(2)))
    : der(DER_TAG.generalizedTime, ascii(digits));
}
