// The hex examples of docs/PROTOCOL.md, and what they were made of.
import { readFileSync } from "node:fs";

const document = readFileSync(new URL("../../../docs/PROTOCOL.md", import.meta.url), "utf8");

/** By name: the bytes of each fenced block `hex NAME`. */
export const EXAMPLES: ReadonlyMap<string, Uint8Array> = new Map(
  [...document.matchAll(/^```hex (.+)\n([^`]+)```$/gm)].map(([, name = "", hex = ""]) => [
    name,
    Buffer.from(hex.replace(/\s/g, ""), "hex"),
  ]),
);

export function example(name: string): Uint8Array {
  const bytes = EXAMPLES.get(name);
  if (bytes === undefined) throw new Error(`docs/PROTOCOL.md has no example ${name}`);
  return bytes;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** So many bytes, each one more than the one before. */
export function rising(from: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => from + index);
}

export const GIVEN = {
  secret: rising(0, 32),
  sessionId: rising(0xa0, 16),
  clientNonce: rising(0xb0, 16),
  serverNonce: rising(0xc0, 16),
  instanceId: rising(0xd0, 16),
  exporter: new Uint8Array(32).fill(0xee),
  ownerKey: rising(0x40, 32),
  relayIdentity: "name:relay.example",
} as const;
