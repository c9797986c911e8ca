// Cryptography as a question: the handshakes ask for HMACs and are answered later, so that whoever runs them may use
// a synchronous library or an asynchronous one (WebCrypto).

/** HMAC-SHA256 over the parts, one after the other. */
export interface HmacRequest {
  readonly key: Uint8Array;
  readonly parts: readonly Uint8Array[];
}

/** Random bytes fit for secrets. */
export type Entropy = (bytes: number) => Uint8Array;

/** Two texts of equal length are compared in time that does not tell where they differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
