// A link that carries bytes, whatever it is made of: a socket, TLS, a WebSocket. What a session needs of a transport.
import type { Link } from "./link.ts";

export interface ByteLink extends Link {
  readonly trust: ByteLinkTrust;
  /**
   * Start to take what comes, once. `take` gets pieces of any length, in order; it returns `true` if nobody holds the
   * piece's memory any more, which may then be read into again. How the link ends is the attempt's matter
   * (`attempt.lost`), or, on the accepting side, `onEnd`'s.
   */
  read(take: (bytes: Uint8Array) => boolean): void;
  /** Hand bytes over, in order and without a copy. Never throws; a broken link drops them. */
  write(bytes: Uint8Array): void;
  /** Writes between the two leave together, where the transport can do that. */
  cork(): void;
  uncork(): void;
  /** Bytes handed over that the system has not taken yet. */
  readonly queuedBytes: number;
  /** Called whenever `queuedBytes` has fallen. One listener. */
  onTaken(listener: () => void): void;
  /**
   * Hold back reading (`true`) or go on; nothing is taken from within the call. Only for the moment in which a proof is being checked: sessions never pause
   * a link otherwise.
   */
  hold(held: boolean): void;
  /** Send what is queued, then end in order. */
  end(): void;
}

/** A byte link that was accepted rather than dialled. */
export interface AcceptedByteLink extends ByteLink {
  /** Who is at the other end, for people and limits: an address, or a path. */
  readonly remoteAddress: string;
  /** Called once, when the link has ended, with what broke it. One listener. */
  onEnd(listener: (cause: unknown) => void): void;
  /**
   * So many bytes may come from now on, and the link ends itself if there are more; `undefined`: any number. For links
   * that gather messages before they hand them on; those that hand on every byte at once have no use for it.
   */
  restrict?(mostBytes: number | undefined): void;
}

export interface ByteLinkTrust {
  /** Nobody in between can read it: TLS whose other end was verified, a unix socket, loopback. */
  readonly confidential: boolean;
  /** 32 bytes of keying material that only the two ends of this TLS connection know, where TLS ends here. */
  readonly exporter: Uint8Array | undefined;
  /** Whom TLS verified: `name:<host>` or `pin:<fingerprint>`; `name:<host>` as dialled where there is no TLS. */
  readonly relayIdentity: string;
}
