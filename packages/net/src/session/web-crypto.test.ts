// The two sources of cryptography answer alike, and as RFC 4231 says.
import { describe, expect, it } from "vitest";
import { nodeCrypto } from "../node/node-crypto.ts";
import { webCrypto } from "./web-crypto.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe.each([
  ["webCrypto", webCrypto],
  ["nodeCrypto", nodeCrypto],
])("%s", (_, make) => {
  it("computes HMAC-SHA256 over all parts", async () => {
    const parts = ["what do ya want ", "", "for nothing?"].map((text) => Buffer.from(text));
    const digest = await make().hmac({ key: Buffer.from("Jefe"), parts });
    expect(hex(digest)).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  });

  it("computes SHA-256", async () => {
    const digest = await make().sha256(Buffer.from("abc"));
    expect(hex(digest)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("gives as many random bytes as asked for, never the same", () => {
    const { entropy } = make();
    const drawn = Array.from({ length: 50 }, () => hex(entropy(32)));
    expect(drawn.every((text) => text.length === 64)).toBe(true);
    expect(new Set(drawn).size).toBe(50);
  });
});
