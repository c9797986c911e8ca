// What is computed from secrets: the keys of a session's resumes, and the proofs of a shared secret.
import { asciiBytes } from "../wire/ascii.ts";
import { DIGEST_BYTES } from "../wire/handshake-frame.ts";
import { digest, type Part } from "./questions.ts";
import type { LinkTrust } from "./surface.ts";

/** Keys of RESUME (client) and of RESUME_OK and REFUSE (server), 32 bytes each. */
export interface ResumeKeys {
  readonly clientKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Of a session that cannot be resumed. */
export const NO_KEYS: ResumeKeys = { clientKey: new Uint8Array(), serverKey: new Uint8Array() };

/** HKDF-SHA256 without a salt (which stands for as many zeros as a digest has), one block each. */
export function* resumeKeys(secret: Uint8Array): Part<ResumeKeys> {
  const pseudorandom = yield* digest(new Uint8Array(DIGEST_BYTES), secret);
  const clientKey = yield* digest(pseudorandom, asciiBytes("c2s resume"), Uint8Array.of(1));
  const serverKey = yield* digest(pseudorandom, asciiBytes("s2c resume"), Uint8Array.of(1));
  return { clientKey, serverKey };
}

/**
 * What a proof of the shared secret covers. With an exporter it is good on this TLS connection alone; without one it
 * names the relay, and is as good as the certificate of that name.
 */
export type ProofScope = (role: "client" | "server") => readonly Uint8Array[];

export function boundProof(exporter: Uint8Array): ProofScope {
  return (role) => [asciiBytes(role), exporter];
}

export function unboundProof(nonce: Uint8Array, relayIdentity: string): ProofScope {
  return (role) => [asciiBytes(role), nonce, asciiBytes(relayIdentity)];
}

/** The scope that a client's proof has on a link. */
export function clientProofScope(trust: LinkTrust, nonce: Uint8Array): ProofScope {
  return trust.exporter === undefined ? unboundProof(nonce, trust.relayIdentity) : boundProof(trust.exporter);
}

const OWNER_ID = asciiBytes("holdfast owner id");
const OWNER_ID_BYTES = 16;

/** What may be shown of an owner token: the first 16 bytes of its keyed hash. */
export function* ownerIdOf(owner: Uint8Array): Part<Uint8Array> {
  return (yield* digest(OWNER_ID, owner)).slice(0, OWNER_ID_BYTES);
}
