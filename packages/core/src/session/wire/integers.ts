// Big-endian integers in byte arrays. Positions are u64 on the wire and numbers in memory, so what lies above
// 2^53 - 1 is refused rather than rounded.

export function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** `undefined` if it is above 2^53 - 1. */
export function uint64At(bytes: Uint8Array, at: number): number | undefined {
  const high = uint32At(bytes, at);
  if (high > 0x1f_ff_ff) return undefined;
  return high * 0x1_00_00_00_00 + uint32At(bytes, at + 4);
}

export function putUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** `value` is a whole number from 0 to 2^53 - 1. */
export function putUint64(bytes: Uint8Array, at: number, value: number): void {
  putUint32(bytes, at, Math.floor(value / 0x1_00_00_00_00));
  putUint32(bytes, at + 4, value % 0x1_00_00_00_00);
}
