// Which frames there are in a session, and how long each may be: checked when the header is complete, before
// anything is kept.
import { FRAME, IGNORABLE } from "./frame-types.ts";

/** What an opener may say about a stream, in bytes. */
export const MOST_METADATA_BYTES = 4_094;
/** The longest credentials in AUTH, in bytes. */
export const MOST_CREDENTIALS_BYTES = 4_092;
/** The longest payload of a datagram, in bytes. */
export const MOST_DATAGRAM_BYTES = 1_200;
/** The longest reason in CLOSE that is sent, in bytes. What comes may be as long as `MOST_COLLECTED_BYTES` allows. */
export const MOST_REASON_BYTES = 256;

/** All frames that are put together from pieces are at most so long, in bytes of payload. */
const MOST_COLLECTED_BYTES = 4_096;

/** The least and the greatest payload of the sequenced frames but DATA. */
const SEQUENCED_SIZES: Readonly<Record<number, readonly [least: number, most: number]>> = {
  [FRAME.open]: [2, 2 + MOST_METADATA_BYTES],
  [FRAME.credit]: [8, 8],
  [FRAME.fin]: [0, 0],
  [FRAME.reset]: [16, 16],
  [FRAME.stop]: [4, 4],
  [FRAME.goAway]: [12, 12],
};

const UNSEQUENCED_SIZES: Readonly<Record<number, readonly [least: number, most: number]>> = {
  [FRAME.auth]: [4, 4 + MOST_CREDENTIALS_BYTES],
  [FRAME.authState]: [10, 10],
  [FRAME.ack]: [8, 8],
  [FRAME.ping]: [16, 16],
  [FRAME.pong]: [16, 16],
  [FRAME.detach]: [6, 6],
  [FRAME.close]: [10, MOST_COLLECTED_BYTES],
};

/** What is wrong with the header of a sequenced frame, if anything. */
export function sequencedFault(
  type: number,
  payloadBytes: number,
  streamId: number,
  maxFrameBytes: number,
): string | undefined {
  if (type === FRAME.data) {
    if (streamId === 0) return "DATA for stream 0";
    if (payloadBytes >= 1 && payloadBytes <= maxFrameBytes) return undefined;
    return `DATA of ${payloadBytes} bytes`;
  }
  const sizes = SEQUENCED_SIZES[type];
  if (sizes === undefined) return `a frame of the unknown type ${type}`;
  if (payloadBytes < sizes[0] || payloadBytes > sizes[1]) return wrongSize(type, payloadBytes);
  if ((streamId === 0) === (type === FRAME.goAway)) return undefined;
  return `a frame of type ${type} for stream ${streamId}`;
}

/** What is wrong with the header of an unsequenced frame in a session, if anything. */
export function unsequencedFault(
  type: number,
  payloadBytes: number,
  maxFrameBytes: number,
): string | undefined {
  const sizes = UNSEQUENCED_SIZES[type];
  if (sizes !== undefined) {
    return payloadBytes < sizes[0] || payloadBytes > sizes[1] ? wrongSize(type, payloadBytes) : undefined;
  }
  if ((type & IGNORABLE) === 0) return `a frame of type ${type}, which has no place in a session`;
  return payloadBytes > maxFrameBytes ? wrongSize(type, payloadBytes) : undefined;
}

function wrongSize(type: number, payloadBytes: number): string {
  return `a frame of type ${type} with ${payloadBytes} bytes`;
}
