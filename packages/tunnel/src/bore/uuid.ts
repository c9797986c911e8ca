// The identifiers of the bore wire: written lower-case with hyphens, read in every form that bore reads.

/** Lower-case with hyphens, the only form that is written and kept. */
export type Uuid = string;

const HYPHENATED = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const SIMPLE = /^[0-9a-f]{32}$/i;

/** Read the hyphenated, simple, `urn:uuid:` or braced form, in either case; `undefined` for anything else. */
export function parseUuid(text: string): Uuid | undefined {
  if (SIMPLE.test(text)) return hyphenate(text.toLowerCase());
  const bare = unwrap(text);
  return HYPHENATED.test(bare) ? bare.toLowerCase() : undefined;
}

/** The 16 bytes, in the order of the hex digits. */
export function uuidBytes(uuid: Uuid): Uint8Array {
  const hex = uuid.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}

function unwrap(text: string): string {
  if (text.startsWith("urn:uuid:")) return text.slice("urn:uuid:".length);
  if (text.startsWith("{") && text.endsWith("}")) return text.slice(1, -1);
  return text;
}

function hyphenate(hex: string): Uuid {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
