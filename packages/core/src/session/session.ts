// One end of a session, whichever link it is on: streams, positions, replay log, acknowledgements, flow control. It
// does no I/O and knows no clock: bytes and times go in, bytes and events come out. How two ends meet, and meet
// again, is the handshakes' matter (`handshake/`); they drive `begin`, `detach` and `resume`.
import type { Instant } from "../ports.ts";
import type { SessionEvent, SessionEnd } from "./events.ts";
import type { PeerLimits, SessionLimits } from "./limits.ts";
import type { SessionStream } from "./stream.ts";
import type { Pool } from "./pool.ts";

export interface SessionOptions {
  /** Streams that the client opens have odd ids. */
  readonly role: "client" | "server";
  readonly limits: SessionLimits;
  /** Where windows grow from, shared by all sessions of a process. Default: one of 256 MiB of its own. */
  readonly growthPool?: Pool;
  /** What logs and queues of all sessions may keep together. Default: one of 256 MiB of its own. */
  readonly replayPool?: Pool;
  /**
   * Something was asked for from outside of `receive` and `timeout`: there may be something to transmit, an event to
   * poll, or another deadline. Called at once and often; it should only note that fact, or schedule.
   */
  readonly onWork?: () => void;
}

/** Where this end stands, for RESUME and RESUME_OK. */
export interface SessionPosition {
  /** Bytes of the peer's sequence that are in memory here. */
  readonly rx: number;
  /** The lowest byte of our own sequence that can still be sent again. */
  readonly txLow: number;
}

/** Counters for people and metrics. */
export interface SessionFigures {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Sequenced bytes that the peer has not acknowledged. */
  readonly unackedBytes: number;
  /** Bytes that were sent again after a resume, in all. */
  readonly replayedBytes: number;
  readonly resumes: number;
  readonly openStreams: number;
  readonly datagramsDropped: number;
  /** The least round trip seen of late, in milliseconds; `undefined` before the first. */
  readonly rttMs: number | undefined;
  /** How much may be in flight now, in bytes. */
  readonly inFlightLimit: number;
}

export interface Session {
  readonly role: "client" | "server";
  readonly limits: SessionLimits;
  /** What the handshake agreed on; absent before `begin`. */
  readonly peer: PeerLimits | undefined;
  /** Sequenced bytes may flow. */
  readonly attached: boolean;
  /** Set once, when the session is over. */
  readonly end: SessionEnd | undefined;
  /** Taken when a link has been let go; see `detach`. */
  readonly position: SessionPosition;
  readonly figures: SessionFigures;
  /** As in `figures`. */
  readonly unackedBytes: number;
  /** Streams that are in the table. */
  streams(): Iterable<SessionStream>;

  // The link.
  /** The first handshake is done: attached, at position 0 both ways. */
  begin(peer: PeerLimits, features: number, now: Instant): void;
  /** Nothing more is read from or written to the present link. Safe to call while away. */
  detach(now: Instant): void;
  /**
   * A resume is proved: trim, set the cursor, attach.
   * @returns `false` if the peer's position cannot be: the session has ended (`desync`).
   */
  resume(peer: SessionPosition, now: Instant): boolean;
  /** Bytes of the present link. While away they are dropped. Slices of them are kept until they are read. */
  receive(bytes: Uint8Array, now: Instant): void;
  /**
   * The next bytes for the link, or nothing (for now). One call gives one piece, to be written as it is.
   * @param room what the link can take without piling up, in bytes; with 0 or less only a remainder that must come
   * first after a resume, and nothing else, is given.
   */
  pollTransmit(room: number, now: Instant): Uint8Array | undefined;
  /** How many of the bytes given out still wait in this process, for a judgement on progress. Call when it changes. */
  linkQueued(bytes: number, now: Instant): void;
  pollEvent(): SessionEvent | undefined;
  /** When `timeout` must be called; `Infinity` for never. */
  nextTimeout(): Instant;
  timeout(now: Instant): void;

  // The streams.
  /** Open a stream; possible while away. @throws HoldfastError `limit` (transient) when the peer takes no more, `going_away`, `session_ended`, `too_long`. */
  open(kind: number, metadata: Uint8Array): SessionStream;
  /** Whether `open` would work. */
  readonly canOpen: boolean;
  /** Fire and forget. `false`: dropped (too long, away, too many waiting, flow unknown). */
  sendDatagram(flow: number, bytes: Uint8Array): boolean;

  // The session.
  /** Ask for a sign of life. Dropped while away. */
  ping(now: Instant): void;
  /**
   * Fresh credentials. Repeated after each resume until they are answered.
   * @throws HoldfastError `too_long` (fatal) above 4,092 bytes.
   */
  authenticate(credentials: Uint8Array): void;
  /** The answer to AUTH (`serial`) or to HELLO's credentials (0). */
  authState(serial: number, expiresMs: number, code: number): void;
  /** Take no new streams of the peer's. */
  goAway(code: number, drainMs: number): void;
  /** Let this link go and keep the session. */
  sendDetach(code: number, reconnectWindowMs: number): void;
  /** GOAWAY, let streams finish for `timeoutMs` (then reset them), deliver everything, CLOSE. Ends with `ended`. */
  drain(timeoutMs: number, now: Instant): void;
  /** CLOSE now if attached; resets what is open. Ends with `ended`. */
  close(code: number, reason: string, now: Instant): void;
  /** It cannot go on (refused, expired, replaced): resets what is open, locally. Ends with `ended`. */
  lose(end: SessionEnd, now: Instant): void;
}
