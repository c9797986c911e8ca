// The public names of trust. How private files are kept is in `@holdfast/trust/files`.
export type { Certificate, CertificateSource } from "./certificate/certificate.ts";
export { loadCertificateFiles } from "./certificate/certificate-files.ts";
export type { CertificateFilesOptions } from "./certificate/certificate-files.ts";
export { certificateFingerprint, parseFingerprint } from "./certificate/fingerprint.ts";
export { openKnownRelays } from "./known-relays/known-relays.ts";
export type { KnownRelays, KnownRelaysOptions } from "./known-relays/known-relays.ts";
export type { Pin } from "./known-relays/known-relays-file.ts";
export { nameIdentity, pinIdentity, relayAddress } from "./known-relays/relay-address.ts";
export { loadOwnerKey, ownerId, ownerToken, ownSecret } from "./owner-key.ts";
export type { OwnerKeyOptions } from "./owner-key.ts";
export { loadRelayIdentity } from "./relay-identity.ts";
export type { RelayIdentityOptions } from "./relay-identity.ts";
export { secretHash, sharedSecrets } from "./secrets.ts";
export type { SharedSecrets } from "./secrets.ts";
export type { RelayPeer, RelayVerdict } from "./verifier/relay-peer.ts";
export { relayVerifier } from "./verifier/relay-verifier.ts";
export type { RelayVerifier, RelayVerifierOptions, UnknownRelay } from "./verifier/relay-verifier.ts";
