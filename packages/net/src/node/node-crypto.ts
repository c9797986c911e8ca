// Node's own cryptography for sessions: it answers at once, so a handshake never has to wait for a proof.
import { createHash, createHmac, randomBytes } from "node:crypto";
import type { SessionCrypto } from "../session/surface.ts";

/** HMAC, SHA-256 and random bytes of `node:crypto`. */
export function nodeCrypto(): SessionCrypto {
  return {
    entropy: (bytes) => randomBytes(bytes),
    hmac({ key, parts }) {
      const hmac = createHmac("sha256", key);
      for (const part of parts) hmac.update(part);
      return hmac.digest();
    },
    sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  };
}
