// Everything that a session may keep, and for how long, as one table of numbers. Half of it is told to the peer in
// the handshake and then fixed for the life of the session; the other half is this end's own business.
import { HoldfastError } from "../failure.ts";

/** What one end tells the other in HELLO or HELLO_OK. Fixed for the session: retained frames cannot be cut anew. */
export interface PeerLimits {
  /** The largest payload of a frame that this end takes, in bytes. 4 KiB to 1 MiB. */
  readonly maxFrameBytes: number;
  /** What may be sent on a new stream before any CREDIT, in bytes. */
  readonly initialCredit: number;
  /** Streams of the other end that may be open at a time. */
  readonly maxStreams: number;
  /** The most that this end keeps for a resend, in bytes (S); the other end paces its acknowledgements by it. */
  readonly replayBytes: number;
}

export interface SessionLimits extends PeerLimits {
  /** The largest window that a stream may grow to, in bytes. Default 8 MiB. */
  readonly maxWindow: number;
  /** What the windows of one session may grow by in all, in bytes. Default 16 MiB. */
  readonly growthBytes: number;
  /** What waits in one stream before its writer has to wait, in bytes. Default 256 KiB. */
  readonly queueBytes: number;
  /** A turn of one stream while others want to send too, in bytes; longer where that takes no time. Default 16 KiB. */
  readonly sliceBytes: number;
  /** Frames made ahead of what the link has taken, in bytes; never more than a few. Default 128 KiB. */
  readonly aheadBytes: number;
  /** Acknowledge after so many received bytes; 64 KiB, or a quarter of the peer's replay bound, if that is less. Default 256 KiB. */
  readonly ackBytes: number;
  /** … or so long after the first of them, in milliseconds. Default 25. */
  readonly ackDelayMs: number;
  /** Datagrams that wait for the link, in bytes. Default 64 KiB. */
  readonly datagramBytes: number;
  /** Unacknowledged data that does not move for so long means that the link is dead, in milliseconds. Default 30,000. */
  readonly noProgressMs: number;
}

const KIB = 1_024;
const MIB = 1_024 * KIB;

export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  maxFrameBytes: 256 * KIB,
  initialCredit: 16 * KIB,
  maxStreams: 1_024,
  replayBytes: 4 * MIB,
  maxWindow: 8 * MIB,
  growthBytes: 16 * MIB,
  queueBytes: 256 * KIB,
  sliceBytes: 16 * KIB,
  aheadBytes: 128 * KIB,
  ackBytes: 256 * KIB,
  ackDelayMs: 25,
  datagramBytes: 64 * KIB,
  noProgressMs: 30_000,
};

/** The range of each, both ends included. What a peer says is held to the ranges of the first four. */
export const LIMIT_RANGES: Readonly<Record<keyof SessionLimits, readonly [least: number, most: number]>> = {
  maxFrameBytes: [4 * KIB, MIB],
  initialCredit: [0, 8 * MIB],
  maxStreams: [0, 65_536],
  replayBytes: [KIB, 1_024 * MIB],
  maxWindow: [512, 64 * MIB],
  growthBytes: [0, 1_024 * MIB],
  queueBytes: [1, 64 * MIB],
  sliceBytes: [1, MIB],
  aheadBytes: [1, 64 * MIB],
  ackBytes: [1, 64 * MIB],
  ackDelayMs: [0, 1_000],
  datagramBytes: [0, 64 * MIB],
  noProgressMs: [100, 3_600_000],
};

/**
 * The defaults with what was given.
 * @throws HoldfastError `bad_config` (fatal) if a number is not whole or out of its range.
 */
export function resolveSessionLimits(given: Partial<SessionLimits> = {}): SessionLimits {
  const limits = { ...DEFAULT_SESSION_LIMITS, ...given };
  for (const [name, [least, most]] of Object.entries(LIMIT_RANGES)) {
    const value = limits[name as keyof SessionLimits];
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw new HoldfastError({
      code: "bad_config",
      message: `${name} must be a whole number from ${least} to ${most}, not ${value}`,
      kind: "fatal",
      fault: "local",
    });
  }
  return limits;
}
