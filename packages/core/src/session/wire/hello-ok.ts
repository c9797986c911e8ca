// HELLO_OK, the answer that begins a session: its name, its secret, what the server takes, and the server's proof.
import type { PeerLimits } from "../limits.ts";
import { FRAME, HEADER_BYTES, makeFrame } from "./frame-types.ts";
import {
  checkShape,
  DIGEST_BYTES,
  MOST_HEARTBEAT_MS,
  MOST_HINT_MS,
  MOST_RESUME_TTL_MS,
  peerLimitsAt,
  putField,
  putPeerLimits,
  SECRET_BYTES,
  SESSION_ID_BYTES,
  VERSION,
} from "./handshake-frame.ts";
import { putUint32, uint32At } from "./integers.ts";

export interface HelloOkFrame {
  /** Bits of `FEATURE`; none that HELLO did not have. */
  readonly features: number;
  readonly sessionId: Uint8Array;
  /** What the keys of RESUME come from; zeros if the session cannot be resumed. */
  readonly secret: Uint8Array;
  readonly proof: Uint8Array | undefined;
  readonly limits: PeerLimits;
  readonly heartbeatMs: number;
  readonly resumeTtlMs: number;
  readonly reconnectWindowMs: number;
}

const PROOF = 1;

const AT = {
  flags: 9,
  features: 12,
  sessionId: 16,
  secret: 32,
  proof: 64,
  limits: 96,
  heartbeat: 112,
  resumeTtl: 116,
  window: 120,
  end: 124,
} as const;

export function encodeHelloOk(answer: HelloOkFrame): Uint8Array {
  const frame = makeFrame(FRAME.helloOk, AT.end - HEADER_BYTES, 0);
  frame[HEADER_BYTES] = VERSION;
  frame[AT.flags] = answer.proof === undefined ? 0 : PROOF;
  putUint32(frame, AT.features, answer.features);
  putField(frame, AT.sessionId, answer.sessionId, SESSION_ID_BYTES, "the session id");
  putField(frame, AT.secret, answer.secret, SECRET_BYTES, "the session's secret");
  if (answer.proof !== undefined) putField(frame, AT.proof, answer.proof, DIGEST_BYTES, "the proof");
  putPeerLimits(frame, AT.limits, answer.limits);
  putUint32(frame, AT.heartbeat, answer.heartbeatMs);
  putUint32(frame, AT.resumeTtl, answer.resumeTtlMs);
  putUint32(frame, AT.window, answer.reconnectWindowMs);
  return frame;
}

/**
 * The fields are slices of `frame`; times are cut to what is believed.
 * @throws HoldfastError `not_our_peer` if it is not as it must be.
 */
export function decodeHelloOk(frame: Uint8Array): HelloOkFrame {
  checkShape("HELLO_OK", frame, AT.end, AT.end);
  return {
    features: uint32At(frame, AT.features),
    sessionId: frame.subarray(AT.sessionId, AT.sessionId + SESSION_ID_BYTES),
    secret: frame.subarray(AT.secret, AT.secret + SECRET_BYTES),
    proof: (frame[AT.flags]! & PROOF) === 0 ? undefined : frame.subarray(AT.proof, AT.proof + DIGEST_BYTES),
    limits: peerLimitsAt(frame, AT.limits),
    heartbeatMs: Math.min(uint32At(frame, AT.heartbeat), MOST_HEARTBEAT_MS),
    resumeTtlMs: Math.min(uint32At(frame, AT.resumeTtl), MOST_RESUME_TTL_MS),
    reconnectWindowMs: Math.min(uint32At(frame, AT.window), MOST_HINT_MS),
  };
}
