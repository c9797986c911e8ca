// What a TLS handshake found out, and what is made of it. Transports hand the one in and get the other back.

/** The other end of a TLS connection whose handshake is done, but to which nothing has been said. */
export interface RelayPeer {
  /** Its own certificate, DER. */
  readonly certificateDer: Uint8Array;
  /** As dialled. */
  readonly host: string;
  readonly port: number;
  /** A certificate authority that is trusted here vouches for the host's name. */
  readonly authorized: boolean;
  /** Why not, as Node has it: a code, or an error with one. */
  readonly authorizationError?: unknown;
}

/** Who it is. */
export interface RelayVerdict {
  /** `pin:<fingerprint>` or `name:<host>`: what owner tokens are made for. */
  readonly relayIdentity: string;
  /**
   * `false`: nobody has vouched for it yet. The link is not confidential, nothing secret may be sent, and it must end
   * unless the other end proves the shared secret over the TLS exporter.
   */
  readonly verified: boolean;
}
