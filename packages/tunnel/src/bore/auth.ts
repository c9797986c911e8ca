// Who knows the shared secret: a challenge, answered by its HMAC. The secret itself never crosses the wire.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { uuidBytes, type Uuid } from "./uuid.ts";

/** What a secret is turned into, once. Never print it. */
export type SecretKey = Uint8Array;

/** An empty secret is a secret like any other. */
export function secretKey(secret: string): SecretKey {
  return createHash("sha256").update(secret, "utf8").digest();
}

/** The answer to a challenge: 64 lower-case hex digits. */
export function answerChallenge(key: SecretKey, challenge: Uuid): string {
  return createHmac("sha256", key).update(uuidBytes(challenge)).digest("hex");
}

/** Whether this is the right answer, in time that does not depend on how wrong it is. */
export function checkAnswer(key: SecretKey, challenge: Uuid, tag: string): boolean {
  if (!/^[0-9a-f]{64}$/i.test(tag)) return false;
  const expected = createHmac("sha256", key).update(uuidBytes(challenge)).digest();
  return timingSafeEqual(expected, Buffer.from(tag, "hex"));
}
