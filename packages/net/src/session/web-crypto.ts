// HMAC, SHA-256 and randomness of the platform, by the interface that browsers and Node share.
import { HoldfastError } from "@holdfast/core";
import type { HmacRequest } from "@holdfast/core/session";
import type { SessionCrypto } from "./surface.ts";

/** As much of WebCrypto as is needed, so that this compiles without the types of a browser. */
interface MinimalCrypto {
  getRandomValues(into: Uint8Array): Uint8Array;
  readonly subtle?: {
    importKey(
      format: "raw",
      key: Uint8Array,
      algorithm: { readonly name: "HMAC"; readonly hash: "SHA-256" },
      extractable: false,
      usages: readonly ["sign"],
    ): Promise<unknown>;
    sign(algorithm: "HMAC", key: unknown, bytes: Uint8Array): Promise<ArrayBuffer>;
    digest(algorithm: "SHA-256", bytes: Uint8Array): Promise<ArrayBuffer>;
  };
}

/**
 * The platform's cryptography; its answers come later.
 * @throws HoldfastError `no_crypto` (fatal) where there is none: browsers have it on pages from https and loopback only.
 */
export function webCrypto(): SessionCrypto {
  const { crypto } = globalThis as unknown as { crypto?: MinimalCrypto };
  const subtle = crypto?.subtle;
  if (crypto === undefined || subtle === undefined) throw noCrypto();
  return {
    entropy: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    async hmac(request) {
      const algorithm = { name: "HMAC", hash: "SHA-256" } as const;
      const key = await subtle.importKey("raw", request.key, algorithm, false, ["sign"]);
      return new Uint8Array(await subtle.sign("HMAC", key, joined(request)));
    },
    sha256: async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes)),
  };
}

function joined({ parts }: HmacRequest): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function noCrypto(): HoldfastError {
  return new HoldfastError({
    code: "no_crypto",
    message: "this platform has no WebCrypto, which sessions need",
    kind: "fatal",
    fault: "local",
    hint: "serve the page over https or from loopback",
  });
}
