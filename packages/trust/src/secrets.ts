// Secrets that both sides know. They are compared as hashes, all of them each time, so that the time it takes tells
// neither how much of a guess was right nor which of several secrets it was.
import { createHash, timingSafeEqual } from "node:crypto";
import { HoldfastError } from "@holdfast/core";

/** SHA-256 of the secret as UTF-8, 32 bytes: the key of the proofs in HELLO and HELLO_OK. */
export function secretHash(secret: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(secret, "utf8").digest());
}

/** Secrets that are good at the moment: the present one, and those that are being replaced. */
export interface SharedSecrets {
  /** The present one first. */
  readonly hashes: readonly Uint8Array[];
  /** Whether a text that somebody sent is one of them. Constant time in the number of secrets. */
  accepts(candidate: string): boolean;
}

/** While every client gets a new one, a relay takes both; more than that many is a mistake. */
const MAX_SECRETS = 8;

/**
 * Take several secrets as good; the first is the present one.
 * @throws HoldfastError `bad_secret_list` for none, for more than 8, or an empty one.
 */
export function sharedSecrets(secrets: readonly string[]): SharedSecrets {
  const wrong = secrets.length === 0 || secrets.length > MAX_SECRETS || secrets.includes("");
  if (wrong) {
    throw new HoldfastError({
      code: "bad_secret_list",
      message: `between 1 and ${MAX_SECRETS} secrets are taken, and none may be empty`,
      kind: "fatal",
      fault: "local",
    });
  }
  const hashes = secrets.map(secretHash);
  return {
    hashes,
    accepts: (candidate) => {
      const hash = secretHash(candidate);
      let found = false;
      // No early end.
      for (const known of hashes) found = timingSafeEqual(known, hash) || found;
      return found;
    },
  };
}
