// The type bytes of all frames, and the eight bytes that every frame begins with.
import { putUint32, uint32At } from "./integers.ts";

export const FRAME = {
  hello: 0x01,
  helloOk: 0x02,
  resume: 0x03,
  resumeOk: 0x04,
  refuse: 0x05,
  auth: 0x06,
  authState: 0x07,
  ack: 0x10,
  ping: 0x11,
  pong: 0x12,
  detach: 0x13,
  close: 0x14,
  datagram: 0x50,
  open: 0x80,
  data: 0x81,
  credit: 0x82,
  fin: 0x83,
  reset: 0x84,
  stop: 0x85,
  goAway: 0x86,
} as const;

/** Set in the type byte of frames that are part of the session's byte sequence. */
export const SEQUENCED = 0x80;
/** Set in the type byte of unsequenced frames that are to be ignored by who does not know them. */
export const IGNORABLE = 0x40;

/** What every frame begins with: u8 type, u24 length of the payload, u32 stream id. */
export const HEADER_BYTES = 8;

/** The payload that an end takes before its limit is known, in bytes. */
export const LEAST_MAX_FRAME_BYTES = 4_096;

export function putHeader(
  bytes: Uint8Array,
  at: number,
  type: number,
  payloadBytes: number,
  streamId: number,
): void {
  bytes[at] = type;
  bytes[at + 1] = payloadBytes >>> 16;
  bytes[at + 2] = payloadBytes >>> 8;
  bytes[at + 3] = payloadBytes;
  putUint32(bytes, at + 4, streamId);
}

/** The length of the payload, in bytes, that the header at `at` states. */
export function payloadBytesAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** The stream id of the header at `at`. */
export function streamIdAt(bytes: Uint8Array, at: number): number {
  return uint32At(bytes, at + 4);
}

/** A frame of its own: the header, and room for the payload behind it. */
export function makeFrame(type: number, payloadBytes: number, streamId: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payloadBytes);
  putHeader(frame, 0, type, payloadBytes, streamId);
  return frame;
}
