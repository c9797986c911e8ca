// RESUME and RESUME_OK: a session goes on, on another link. Both are encoded without their MAC, which is computed over
// what stands before it and then put in.
import type { SessionPosition } from "../session.ts";
import { FRAME, HEADER_BYTES, makeFrame } from "./frame-types.ts";
import {
  checkShape,
  DIGEST_BYTES,
  NONCE_BYTES,
  putField,
  SESSION_ID_BYTES,
  VERSION,
} from "./handshake-frame.ts";
import { putUint32, putUint64, uint32At, uint64At } from "./integers.ts";
import { malformed } from "./malformed.ts";

export interface ResumeFrame {
  readonly sessionId: Uint8Array;
  readonly claim: number;
  readonly nonce: Uint8Array;
  readonly position: SessionPosition;
}

export interface ResumeOkFrame {
  /** The claim that is answered. */
  readonly claim: number;
  readonly nonce: Uint8Array;
  readonly position: SessionPosition;
}

const RESUME = { sessionId: 12, claim: 28, nonce: 32, position: 48, mac: 64, end: 96 } as const;
const RESUME_OK = { claim: 12, nonce: 16, position: 32, mac: 48, end: 80 } as const;

/** The MAC is left zero; see `putResumeMac`. */
export function encodeResume(resume: ResumeFrame): Uint8Array {
  const frame = makeFrame(FRAME.resume, RESUME.end - HEADER_BYTES, 0);
  frame[HEADER_BYTES] = VERSION;
  putField(frame, RESUME.sessionId, resume.sessionId, SESSION_ID_BYTES, "the session id");
  putUint32(frame, RESUME.claim, resume.claim);
  putField(frame, RESUME.nonce, resume.nonce, NONCE_BYTES, "the nonce");
  putPosition(frame, RESUME.position, resume.position);
  return frame;
}

/** What the MAC of RESUME covers, besides the exporter of a bound session. */
export function resumeMacInput(frame: Uint8Array): Uint8Array {
  return frame.subarray(0, RESUME.mac);
}

export function resumeMac(frame: Uint8Array): Uint8Array {
  return frame.subarray(RESUME.mac, RESUME.end);
}

export function putResumeMac(frame: Uint8Array, mac: Uint8Array): void {
  putField(frame, RESUME.mac, mac, DIGEST_BYTES, "the MAC");
}

/** The fields are slices of `frame`. @throws HoldfastError `not_our_peer` if it is not as it must be. */
export function decodeResume(frame: Uint8Array): ResumeFrame {
  checkShape("RESUME", frame, RESUME.end, RESUME.end);
  return {
    sessionId: frame.subarray(RESUME.sessionId, RESUME.sessionId + SESSION_ID_BYTES),
    claim: uint32At(frame, RESUME.claim),
    nonce: frame.subarray(RESUME.nonce, RESUME.nonce + NONCE_BYTES),
    position: positionAt(frame, RESUME.position),
  };
}

/** The MAC is left zero; see `putResumeOkMac`. */
export function encodeResumeOk(answer: ResumeOkFrame): Uint8Array {
  const frame = makeFrame(FRAME.resumeOk, RESUME_OK.end - HEADER_BYTES, 0);
  putUint32(frame, RESUME_OK.claim, answer.claim);
  putField(frame, RESUME_OK.nonce, answer.nonce, NONCE_BYTES, "the nonce");
  putPosition(frame, RESUME_OK.position, answer.position);
  return frame;
}

/** What the MAC of RESUME_OK covers, besides the MAC of the RESUME that it answers. */
export function resumeOkMacInput(frame: Uint8Array): Uint8Array {
  return frame.subarray(0, RESUME_OK.mac);
}

export function resumeOkMac(frame: Uint8Array): Uint8Array {
  return frame.subarray(RESUME_OK.mac, RESUME_OK.end);
}

export function putResumeOkMac(frame: Uint8Array, mac: Uint8Array): void {
  putField(frame, RESUME_OK.mac, mac, DIGEST_BYTES, "the MAC");
}

/** The fields are slices of `frame`. @throws HoldfastError `not_our_peer` if it is not as it must be. */
export function decodeResumeOk(frame: Uint8Array): ResumeOkFrame {
  checkShape("RESUME_OK", frame, RESUME_OK.end, RESUME_OK.end);
  return {
    claim: uint32At(frame, RESUME_OK.claim),
    nonce: frame.subarray(RESUME_OK.nonce, RESUME_OK.nonce + NONCE_BYTES),
    position: positionAt(frame, RESUME_OK.position),
  };
}

function putPosition(frame: Uint8Array, at: number, position: SessionPosition): void {
  putUint64(frame, at, position.rx);
  putUint64(frame, at + 8, position.txLow);
}

function positionAt(frame: Uint8Array, at: number): SessionPosition {
  const rx = uint64At(frame, at);
  const txLow = uint64At(frame, at + 8);
  if (rx === undefined || txLow === undefined) throw malformed("a position above 2^53 - 1");
  return { rx, txLow };
}
