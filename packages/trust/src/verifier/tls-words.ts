// Why TLS does not vouch for a certificate, in words.

const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet, by this machine's clock",
  CERT_REVOKED: "its certificate was revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  HOSTNAME_MISMATCH: "its certificate is for another name",
  CERT_SIGNATURE_FAILURE: "its certificate has a bad signature",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate comes from an authority that is not known here",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate comes from an authority that is not known here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate comes from an authority that is not known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate comes from an authority that is not known here",
  DEPTH_ZERO_SELF_SIGNED_CERT: "it made its certificate itself",
};

/** @param error what Node has as `authorizationError`: a code, an error with a code, or nothing. */
export function whyNotAuthorized(error: unknown): string {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : error;
  if (typeof code !== "string") return "no certificate authority vouches for it";
  // OpenSSL's names are safe to print; anything else is not passed on.
  return (
    WORDS[code] ?? (/^[A-Z_]{1,60}$/.test(code) ? `TLS says ${code}` : "TLS does not accept its certificate")
  );
}
