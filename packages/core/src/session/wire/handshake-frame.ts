// What the frames of the handshakes have in common: a version, flags, a nonce, and the numbers that each end tells the
// other. Reserved fields are sent as zeros and not looked at: a later revision may use them, and every MAC covers them.
import { HoldfastError } from "../../failure.ts";
import { LIMIT_RANGES, type PeerLimits } from "../limits.ts";
import { HEADER_BYTES, streamIdAt } from "./frame-types.ts";
import { putUint32, uint32At } from "./integers.ts";
import { malformed } from "./malformed.ts";

/** The version of the wire that is spoken here. */
export const VERSION = 1;

export const NONCE_BYTES = 16;
export const SESSION_ID_BYTES = 16;
export const INSTANCE_BYTES = 16;
export const OWNER_BYTES = 32;
export const SECRET_BYTES = 32;
/** Of every MAC, proof and key: HMAC-SHA256. */
export const DIGEST_BYTES = 32;
/** The last value of a claim; a session that has used it cannot be resumed again. */
export const LAST_CLAIM = 0xff_ff_ff_ff;

/** The longest hint that is followed, of REFUSE, DETACH and HELLO_OK, in milliseconds: 10 minutes. */
export const MOST_HINT_MS = 600_000;
/** The longest time that a session is kept while away, in milliseconds: 24 hours. */
export const MOST_RESUME_TTL_MS = 86_400_000;
/** The longest heartbeat interval that is believed, in milliseconds: 10 minutes. */
export const MOST_HEARTBEAT_MS = 600_000;

/** What HELLO, HELLO_OK and RESUME say first. `undefined` if the frame is too short to say it. */
export function versionOf(frame: Uint8Array): number | undefined {
  return frame[HEADER_BYTES];
}

/** @throws HoldfastError `not_our_peer` if a frame about the session is not of that size, or names a stream. */
export function checkShape(name: string, frame: Uint8Array, least: number, most: number): void {
  if (frame.length < least || frame.length > most) {
    throw malformed(`a ${name} frame of ${frame.length} bytes; ${sizes(least, most)} are right`);
  }
  if (streamIdAt(frame, 0) !== 0) throw malformed(`a ${name} frame that names a stream`);
}

function sizes(least: number, most: number): string {
  return least === most ? String(least) : `${least} to ${most}`;
}

/** Copy a field of fixed length into a frame. */
export function putField(
  frame: Uint8Array,
  at: number,
  value: Uint8Array,
  bytes: number,
  name: string,
): void {
  if (value.length !== bytes) {
    throw new HoldfastError({
      code: "bad_config",
      message: `${name} must have ${bytes} bytes, not ${value.length}`,
      kind: "fatal",
      fault: "local",
    });
  }
  frame.set(value, at);
}

// The order of the four limits, in HELLO and in HELLO_OK.
const LIMITS = ["maxFrameBytes", "initialCredit", "maxStreams", "replayBytes"] as const;

export function putPeerLimits(frame: Uint8Array, at: number, limits: PeerLimits): void {
  LIMITS.forEach((name, index) => putUint32(frame, at + 4 * index, limits[name]));
}

/** @throws HoldfastError `not_our_peer` if one is out of its range. */
export function peerLimitsAt(frame: Uint8Array, at: number): PeerLimits {
  const [maxFrameBytes, initialCredit, maxStreams, replayBytes] = LIMITS.map((name, index) => {
    const value = uint32At(frame, at + 4 * index);
    const [least, most] = LIMIT_RANGES[name];
    if (value < least || value > most) throw malformed(`the other end says ${name} = ${value}`);
    return value;
  }) as [number, number, number, number];
  return { maxFrameBytes, initialCredit, maxStreams, replayBytes };
}
