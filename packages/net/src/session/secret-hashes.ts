// The hashes of the shared secrets that are good now. Secrets change seldom and are asked for at each handshake.
import { secretHash } from "./identity.ts";
import type { SessionCrypto } from "./surface.ts";

export class SecretHashes {
  readonly #crypto: SessionCrypto;
  readonly #secrets: () => readonly string[];
  /** One for each secret that was good the last time. */
  #known = new Map<string, Uint8Array>();
  /** One for each secret. */
  #present: readonly Uint8Array[] = [];

  constructor(crypto: SessionCrypto, secrets: () => readonly string[]) {
    this.#crypto = crypto;
    this.#secrets = secrets;
  }

  get present(): readonly Uint8Array[] {
    return this.#present;
  }

  /** Look again. A promise only if something new has to be computed. */
  refresh(): Promise<void> | undefined {
    const secrets = this.#secrets();
    const hashes = secrets.map((secret) => this.#known.get(secret)).filter((hash) => hash !== undefined);
    if (hashes.length < secrets.length) return this.#compute(secrets);
    this.#present = hashes;
    return undefined;
  }

  async #compute(secrets: readonly string[]): Promise<void> {
    const known = new Map<string, Uint8Array>();
    for (const secret of secrets) {
      known.set(secret, this.#known.get(secret) ?? (await secretHash(this.#crypto, secret)));
    }
    this.#known = known;
    this.#present = [...known.values()];
  }
}
