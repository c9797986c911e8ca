// What the two handshakes say and ask: they are run by feeding them bytes and answers, and doing what they return.
import type { HoldfastError } from "../../failure.ts";
import type { PeerLimits } from "../limits.ts";
import type { Session } from "../session.ts";
import type { Entropy, HmacRequest } from "./proof.ts";
import { INSTANCE_BYTES } from "../wire/handshake-frame.ts";

/** What is known of a link besides its bytes. */
export interface LinkTrust {
  /**
   * Nobody in between can read it: a unix socket, loopback, or TLS; on the client's side only TLS whose other end was
   * verified, which is what refusals without a MAC and bearer credentials ask for.
   */
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
  /** The owner token for this relay, 32 bytes; zeros and no flag without one. See docs/PROTOCOL.md, 2.8. */
  readonly owner: Uint8Array | undefined;
  /** SHA-256 of the shared secret. */
  readonly secretHash: Uint8Array | undefined;
  /** Bearer credentials, sent only where the server is verified. At most 3,968 bytes. */
  readonly credentials: Uint8Array | undefined;
  readonly heartbeatMs: number;
  /** Bits of `FEATURE` that are wanted; those that the link cannot carry are left out. */
  readonly features: number;
}

/** One for each line, kept between its links: its name, and what orders its links. */
export interface Instance {
  readonly id: Uint8Array;
  /** The highest claim that was ever sent; raised before each HELLO and RESUME. */
  claim: number;
  /** Of the HELLO that was not answered yet: its repeat on another link is no second session. */
  nonce: Uint8Array | undefined;
}

/** A line's first one, or the next after an outcome with `newInstance`. */
export function newInstance(entropy: Entropy): Instance {
  return { id: entropy(INSTANCE_BYTES), claim: 0, nonce: undefined };
}

/** What a client keeps between links, beside the session itself. In memory only: a restart is a new instance. */
export interface Resumption {
  readonly sessionId: Uint8Array;
  readonly session: Session;
  /** Keys of RESUME and RESUME_OK; empty without `FEATURE.resume`. */
  readonly clientKey: Uint8Array;
  readonly serverKey: Uint8Array;
  /** What both ends can do. Without `FEATURE.resume` the session ends with its first link. */
  readonly features: number;
  /** How long the server keeps the session while it is away. Longer than that there is nothing to come back to. */
  readonly resumeTtlMs: number;
  readonly reconnectWindowMs: number;
}

export type ClientOutcome =
  /** A new session has begun (`session.begin` was called). What came behind HELLO_OK is `rest`: feed it to the session. */
  | {
      readonly type: "greeted";
      readonly resumption: Resumption;
      readonly heartbeatMs: number;
      /** The credentials were held back from an unverified server, which has proved itself now: send them by AUTH. */
      readonly authenticate: boolean;
      readonly rest: Uint8Array;
    }
  /** The old one goes on (`session.resume` was called). */
  | { readonly type: "resumed"; readonly rest: Uint8Array }
  /**
   * The old one cannot go on and has ended. With `hello` the link is good for one HELLO: run another `ClientHandshake`
   * on it, for a fresh session; else it is good for nothing. With `newInstance` make a new `Instance` first.
   */
  | {
      readonly type: "session_lost";
      readonly failure: HoldfastError;
      readonly hello: boolean;
      readonly newInstance: boolean;
    }
  /**
   * No session on this link: hang it up. The failure's kind says what the line does; a session that was to be resumed
   * is kept unless it has an `end`.
   */
  | {
      readonly type: "refused";
      readonly failure: HoldfastError;
      /** The relay is going away: come back within this time. */
      readonly reconnectWindowMs: number | undefined;
      /** … or to this address. */
      readonly alternative: string | undefined;
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

/** Why a HELLO or a RESUME is turned away. */
export interface Refusal {
  /** One of `REFUSE`. */
  readonly code: number;
  /** At most 10 minutes; 0 is no hint. With `draining` it is the window for the return. */
  readonly retryAfterMs: number;
  /** Where to go instead: printable ASCII, at most 512 bytes. */
  readonly alternative?: string;
}

/** What was decided about a HELLO. */
export type HelloVerdict =
  | {
      readonly type: "accept";
      readonly heartbeatMs: number;
      /** At most 24 hours. */
      readonly resumeTtlMs: number;
      readonly reconnectWindowMs: number;
    }
  | ({ readonly type: "refuse" } & Refusal);

/** A session on the accepting side, as long as it can be resumed. */
export interface ServerSession {
  /** Hex of the session id. */
  readonly id: string;
  readonly session: Session;
  /** What its client said when it began; its credentials are not kept. */
  readonly hello: HelloRequest;
  /** What both ends can do. */
  readonly features: number;
  readonly resumeTtlMs: number;
  readonly reconnectWindowMs: number;
  /** Of the link that it is on, or was on last. */
  readonly claim: number;
  /** No link holds it; it waits for a RESUME. */
  readonly away: boolean;
  /** For whoever runs it: whatever they want to find here again. */
  context: unknown;
}

/** Do these in order: hang up, send, then answer what is asked. */
export interface ServerStep extends HandshakeStep<ServerOutcome> {
  /** The link that this session was on until now must be hung up at once; nothing more is read from it. */
  readonly detached?: ServerSession;
  /** Decide, and hand the verdict in by `decided`. */
  readonly ask?: HelloRequest;
  /** REFUSE was sent for this reason; the link stays for one HELLO more. */
  readonly refused?: HoldfastError;
}

export type ServerOutcome =
  /** The link carries this session now. `fresh`: it began with it. */
  | { readonly type: "attached"; readonly session: ServerSession; readonly fresh: boolean }
  /** Hang up, once what was to be sent has left. */
  | { readonly type: "refused"; readonly failure: HoldfastError };
