// What the two handshakes say and ask: they are run by feeding them bytes and answers, and doing what they return.
import type { HoldfastError } from "../../failure.ts";
import type { PeerLimits } from "../limits.ts";
import type { Session } from "../session.ts";
import type { HmacRequest } from "./proof.ts";

/** What is known of a link besides its bytes. */
export interface LinkTrust {
  /** Nobody in between can read it: TLS with a verified peer, a unix socket, loopback. */
  readonly confidential: boolean;
  /** The TLS exporter "EXPORTER-Holdfast-session", 32 bytes, where there is one. */
  readonly exporter: Uint8Array | undefined;
  /** Who TLS says the relay is: `name:<host>` or `pin:<fingerprint>`. Used for proofs without an exporter, and for owners. */
  readonly relayIdentity: string;
}

/** In order: what to send, then what to answer. A handshake that waits for bytes returns neither. */
export interface HandshakeStep<Outcome> {
  readonly send?: readonly Uint8Array[];
  /** Compute and hand in by `proved`; at most one is open at a time. */
  readonly hmac?: HmacRequest;
  /** The last thing: the handshake is over. */
  readonly outcome?: Outcome;
}

/** What a client puts into HELLO besides the session's limits. */
export interface ClientIdentity {
  /** 16 bytes, one for each line object. */
  readonly instanceId: Uint8Array;
  /** The owner token for this relay, 32 bytes; zeros and no flag without one. See 4.3 of docs/PROTOCOL.md's trust. */
  readonly owner: Uint8Array | undefined;
  /** SHA-256 of the shared secret. */
  readonly secretHash: Uint8Array | undefined;
  /** Bearer credentials, sent only where the server is verified. */
  readonly credentials: Uint8Array | undefined;
  readonly heartbeatMs: number;
  /** Bits of `FEATURE`. */
  readonly features: number;
}

/** What a client keeps between links, beside the session itself. In memory only: a restart is a new instance. */
export interface Resumption {
  readonly sessionId: Uint8Array;
  readonly session: Session;
  /** Keys of RESUME and RESUME_OK. */
  readonly clientKey: Uint8Array;
  readonly serverKey: Uint8Array;
  readonly features: number;
  readonly resumeTtlMs: number;
  readonly reconnectWindowMs: number;
  /** The highest claim that was ever sent. */
  claim: number;
}

export type ClientOutcome =
  /** A new session. `began` if `session` was taken for it; what came behind HELLO_OK is `rest`. */
  | {
      readonly type: "greeted";
      readonly resumption: Resumption;
      readonly heartbeatMs: number;
      readonly rest: Uint8Array;
    }
  /** The old one goes on (`session.resume` was called). */
  | { readonly type: "resumed"; readonly rest: Uint8Array }
  /** The old one cannot go on and has ended; the link is good for one HELLO (`hello: true`), or for nothing. */
  | {
      readonly type: "session_lost";
      readonly failure: HoldfastError;
      readonly hello: boolean;
      readonly newInstance: boolean;
    }
  /** No session now; the failure's kind says what the line does (throttled, unauthorized, fatal, transient). */
  | {
      readonly type: "refused";
      readonly failure: HoldfastError;
      readonly reconnectWindowMs: number | undefined;
    };

/** A decoded HELLO, for whoever decides about it. */
export interface HelloRequest {
  readonly instanceId: Uint8Array;
  /** Absent if the client has none. */
  readonly owner: Uint8Array | undefined;
  readonly ownerId: Uint8Array | undefined;
  /** The client proved the shared secret. */
  readonly proved: boolean;
  readonly credentials: Uint8Array;
  readonly features: number;
  readonly heartbeatMs: number;
  readonly limits: PeerLimits;
}

/** What was decided about a HELLO. */
export type HelloVerdict =
  | {
      readonly type: "accept";
      readonly heartbeatMs: number;
      readonly resumeTtlMs: number;
      readonly reconnectWindowMs: number;
    }
  | {
      readonly type: "refuse";
      readonly code: number;
      readonly retryAfterMs: number;
      readonly alternative?: string;
    };
