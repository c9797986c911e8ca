// Who this side says that it is: the owner's token for each relay, the hash of the secret, credentials.
import type { ClientIdentity, HmacRequest } from "@holdfast/core/session";
import { FEATURE } from "@holdfast/core/session";
import type { ByteLinkTrust } from "../byte-link.ts";
import type { SessionCrypto } from "./surface.ts";

/** All that there is; the handshake leaves out what its link cannot carry. */
const FEATURES: number = FEATURE.tlsBinding | FEATURE.datagrams | FEATURE.resume;

export interface IdentityOptions {
  readonly crypto: SessionCrypto;
  readonly ownerKey: Uint8Array | undefined;
  readonly secret: string | undefined;
  readonly heartbeatMs: number;
}

export class Identity {
  readonly #options: IdentityOptions;
  #secretHash: Uint8Array | undefined = undefined;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /** What to say over a link that leads to this relay. */
  async towards(trust: ByteLinkTrust, credentials: Uint8Array | undefined): Promise<ClientIdentity> {
    const { crypto, ownerKey, secret, heartbeatMs } = this.#options;
    if (secret !== undefined) this.#secretHash ??= await secretHash(crypto, secret);
    return {
      owner: ownerKey && (await crypto.hmac(ownerToken(ownerKey, trust.relayIdentity))),
      secretHash: this.#secretHash,
      credentials,
      heartbeatMs,
      features: FEATURES,
    };
  }
}

/** SHA-256 of a shared secret: what proofs are made with. */
export async function secretHash(crypto: SessionCrypto, secret: string): Promise<Uint8Array> {
  return crypto.sha256(bytesOf(secret));
}

/** `HMAC(ownerKey, "holdfast owner" || 00 || relay identity)`: worth nothing at any other relay. */
function ownerToken(key: Uint8Array, relayIdentity: string): HmacRequest {
  return { key, parts: [bytesOf("holdfast owner"), new Uint8Array(1), bytesOf(relayIdentity)] };
}

function bytesOf(text: string): Uint8Array {
  return new (globalThis as unknown as Host).TextEncoder().encode(text);
}

interface Host {
  TextEncoder: new () => { encode(text: string): Uint8Array };
}
