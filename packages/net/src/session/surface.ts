// Sessions over lines: what an application holds. A client's session goes on over every link that its line makes; a
// server takes links and gives them to the sessions that they belong to.
import type { HoldfastError, Policy } from "@holdfast/core";
import type {
  Entropy,
  HelloRequest,
  HelloVerdict,
  HmacRequest,
  SessionEnd,
  SessionEvent,
  SessionFigures,
  SessionLimits,
  SessionStream,
} from "@holdfast/core/session";
import type { AcceptedByteLink, ByteLink } from "../byte-link.ts";
import type { ConnectOptions, Line } from "../line.ts";
import type { Attempt, Link } from "../link.ts";

/** HMAC-SHA256 and random bytes of the platform. `webCrypto()` is there in browsers and Node alike; Node's own is faster. */
export interface SessionCrypto {
  readonly entropy: Entropy;
  /** May answer at once or later. */
  hmac(request: HmacRequest): Uint8Array | Promise<Uint8Array>;
  /** Of shared secrets, before anything else is done with them. */
  sha256(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** What happens to a stream, told in a turn of its own: never from within `write`, `read` or the like. */
export interface StreamListener {
  readable(stream: SessionStream): void;
  writable(stream: SessionStream): void;
  /** Its last call. */
  forgotten(stream: SessionStream): void;
  /**
   * The turn that called `readable` has told everything that there was to tell: a place to let collected writes go.
   * @returns whether bytes that were read in this turn are still needed. A listener without this method is taken to
   * keep them.
   */
  settled?(stream: SessionStream): boolean;
}

/** One session, here or there, as long as it lives. */
export interface SessionHandle {
  /** Hex of the id; empty until the first handshake is done. */
  readonly id: string;
  readonly attached: boolean;
  readonly figures: SessionFigures;
  /** Settles once. Never rejects. */
  readonly ended: Promise<SessionEnd>;
  readonly end: SessionEnd | undefined;
  streams(): Iterable<SessionStream>;
  /** As in core. The listener is heard from then on. */
  open(kind: number, metadata: Uint8Array, listener?: StreamListener): SessionStream;
  /** Who hears of a stream that the other end opened; set it in `onStream`, or later: nothing is lost. */
  listen(stream: SessionStream, listener: StreamListener): void;
  sendDatagram(flow: number, bytes: Uint8Array): boolean;
  authenticate(credentials: Uint8Array): void;
  authState(serial: number, expiresMs: number, code: number): void;
  goAway(code: number, drainMs: number): void;
  /** Let streams finish, deliver everything, CLOSE. Default 30,000 ms. */
  drain(timeoutMs?: number): Promise<SessionEnd>;
  close(code?: number, reason?: string): Promise<SessionEnd>;
  /** Somebody still needs the bytes that came last, so their memory must not be used again. For links that reuse it. */
  readonly holdsBytes: boolean;
}

/** Events that are not about one stream's bytes. Called in a turn of their own. */
export interface SessionListener {
  /** The peer opened a stream: `listen` to it, or reset it. */
  onStream?(stream: SessionStream, session: SessionHandle): void;
  onDatagram?(flow: number, bytes: Uint8Array, session: SessionHandle): void;
  /** Everything else: going_away, detached, auth, auth_state. */
  onEvent?(event: SessionEvent, session: SessionHandle): void;
}

export interface SessionLink extends Link {
  readonly carrier: ByteLink;
  /** A new session began with this link; `false`: the old one went on. */
  readonly fresh: boolean;
}

export interface OpenSessionOptions extends Policy, SessionListener {
  /** Make the link below. */
  readonly dial: (attempt: Attempt) => Promise<ByteLink>;
  readonly crypto: SessionCrypto;
  readonly limits?: Partial<SessionLimits>;
  /** The owner key of this user for relays, 32 bytes: who may take a lease over. Default: none. */
  readonly ownerKey?: Uint8Array | undefined;
  /** The shared secret. Its proof is demanded from the other end as well. */
  readonly secret?: string | undefined;
  /** Asked before each HELLO. */
  readonly credentials?: (() => Uint8Array | Promise<Uint8Array>) | undefined;
  /**
   * A session has begun: the first, or one after another was lost. Bind again here what the last one had.
   * `lost` says how the one before ended.
   */
  readonly onSession?: (session: SessionHandle, lost: SessionEnd | undefined) => void;
  readonly failFast?: boolean | ((failure: HoldfastError) => boolean);
  readonly signal?: ConnectOptions<SessionLink>["signal"];
  readonly wakes?: ConnectOptions<SessionLink>["wakes"];
  readonly retrying?: ConnectOptions<SessionLink>["retrying"];
  readonly onWarning?: (warning: HoldfastError) => void;
  readonly clock?: ConnectOptions<SessionLink>["clock"];
  readonly random?: ConnectOptions<SessionLink>["random"];
}

/** A line whose links carry sessions. */
export interface SessionLine {
  readonly line: Line<SessionLink>;
  /** The present one, whether attached or away; absent before the first and after the last. */
  readonly session: SessionHandle | undefined;
  /** Drain the session, then close the line. */
  drain(timeoutMs?: number): Promise<void>;
  /** CLOSE if attached, and end the line. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A session on the accepting side. */
export interface AcceptedSession extends SessionHandle {
  readonly hello: HelloRequest;
  /** The object that was given to `take` and that the session is on now; absent while away. */
  readonly link: AcceptedByteLink | undefined;
  /** Of the present or the last link. */
  readonly remoteAddress: string;
  /** When a byte last came, on the clock's `mono`. */
  readonly heardAt: number;
  /** Ask for a sign of life; resolves `true` with the next byte, `false` when none came in time. */
  probe(timeoutMs: number): Promise<boolean>;
  /** Let the present link go and keep the session: its client returns within the window. */
  detach(code: number, reconnectWindowMs: number): void;
}

export interface SessionHostOptions extends SessionListener {
  readonly crypto: SessionCrypto;
  readonly limits?: Partial<SessionLimits>;
  /** Shared secrets that are good now: the present one first. Read at each handshake. Default: none are asked for. */
  readonly secrets?: () => readonly string[];
  /** Proofs without a TLS exporter are taken too (browsers, a proxy that ends TLS). Default `false`. */
  readonly allowUnboundProofs?: boolean;
  /**
   * Names by which clients know this end, `name:<host>` each: proofs without a TLS exporter are taken for these only.
   * Default: whatever name the link came by, which its client has chosen, or whoever passes it on to us.
   */
  readonly relayIdentities?: readonly string[];
  /** Decide about a HELLO whose proof (if one is needed) is good. Default: accept with the defaults. */
  readonly authorize?: (hello: HelloRequest, remoteAddress: string) => HelloVerdict | Promise<HelloVerdict>;
  /** A session has begun. */
  readonly onSession: (session: AcceptedSession) => void;
  /** A link was attached to it again, or let go. */
  readonly onAttached?: (session: AcceptedSession) => void;
  readonly onAway?: (session: AcceptedSession) => void;
  /** A listener threw. Default: nothing. */
  readonly onWarning?: (warning: HoldfastError) => void;
  /** Why a link did not become part of a session; for counting. */
  readonly onRefused?: (failure: HoldfastError, remoteAddress: string) => void;
  /** Sessions at a time. Default 10,000. */
  readonly maxSessions?: number;
  /** How long a handshake may take, in milliseconds. Default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** How long a session is kept while away, in milliseconds. Default 900,000. */
  readonly resumeTtlMs?: number;
  /** Links without life are hung up after so long, in milliseconds. Defaults as for lines: 10,000, 15,000. */
  readonly heartbeatIntervalMs?: number;
  readonly heartbeatTimeoutMs?: number;
  /** The window that clients are told for their return when this end goes away. Default 10,000. */
  readonly reconnectWindowMs?: number;
  readonly clock?: ConnectOptions<SessionLink>["clock"];
}

/** The accepting side: many sessions. */
export interface SessionHost {
  /** A link came. */
  take(link: AcceptedByteLink): void;
  sessions(): Iterable<AcceptedSession>;
  readonly size: number;
  /**
   * Refuse new sessions, let the streams of those that are here finish for so long, and end them; their clients are
   * told to come back spread over the window. Then close.
   */
  drain(timeoutMs: number, reconnectWindowMs: number): Promise<void>;
  /** CLOSE all, hang up. */
  close(): Promise<void>;
}
