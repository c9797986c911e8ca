// Bytes for people and tables.

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
