// HELLO, the first frame of a session: who the client is, what it takes, and proof that it knows the shared secret.
import { HoldfastError } from "../../failure.ts";
import type { PeerLimits } from "../limits.ts";
import { FRAME, HEADER_BYTES, LEAST_MAX_FRAME_BYTES, makeFrame } from "./frame-types.ts";
import {
  checkShape,
  DIGEST_BYTES,
  INSTANCE_BYTES,
  MOST_HEARTBEAT_MS,
  NONCE_BYTES,
  OWNER_BYTES,
  peerLimitsAt,
  putField,
  putPeerLimits,
  VERSION,
} from "./handshake-frame.ts";
import { putUint32, uint32At } from "./integers.ts";

export interface HelloFrame {
  /** Bits of `FEATURE`. */
  readonly features: number;
  readonly nonce: Uint8Array;
  readonly instanceId: Uint8Array;
  /** The owner token for this relay. */
  readonly owner: Uint8Array | undefined;
  /** Of the shared secret. */
  readonly proof: Uint8Array | undefined;
  readonly claim: number;
  readonly limits: PeerLimits;
  readonly heartbeatMs: number;
  readonly credentials: Uint8Array;
}

const PROOF = 1;
const OWNER = 2;

const AT = {
  flags: 9,
  features: 12,
  nonce: 16,
  instance: 32,
  owner: 48,
  proof: 80,
  claim: 112,
  limits: 116,
  heartbeat: 132,
  credentials: 136,
} as const;

/** HELLO is read before anything is known of its sender, so it is no longer than this, header included. */
const MOST_HELLO_BYTES = HEADER_BYTES + LEAST_MAX_FRAME_BYTES;
/** What is left of that for credentials, in bytes. */
export const MOST_CREDENTIAL_BYTES: number = MOST_HELLO_BYTES - AT.credentials;

/** @throws HoldfastError `bad_config` (fatal) if a field has the wrong length, or the credentials are too long. */
export function encodeHello(hello: HelloFrame): Uint8Array {
  const { credentials, owner, proof } = hello;
  if (credentials.length > MOST_CREDENTIAL_BYTES) {
    throw new HoldfastError({
      code: "bad_config",
      message: `the credentials have ${credentials.length} bytes; at most ${MOST_CREDENTIAL_BYTES} can be sent`,
      kind: "fatal",
      fault: "local",
    });
  }
  const frame = makeFrame(FRAME.hello, AT.credentials - HEADER_BYTES + credentials.length, 0);
  frame[HEADER_BYTES] = VERSION;
  frame[AT.flags] = (proof === undefined ? 0 : PROOF) | (owner === undefined ? 0 : OWNER);
  putUint32(frame, AT.features, hello.features);
  putField(frame, AT.nonce, hello.nonce, NONCE_BYTES, "the nonce");
  putField(frame, AT.instance, hello.instanceId, INSTANCE_BYTES, "the instance id");
  if (owner !== undefined) putField(frame, AT.owner, owner, OWNER_BYTES, "the owner token");
  if (proof !== undefined) putField(frame, AT.proof, proof, DIGEST_BYTES, "the proof");
  putUint32(frame, AT.claim, hello.claim);
  putPeerLimits(frame, AT.limits, hello.limits);
  putUint32(frame, AT.heartbeat, hello.heartbeatMs);
  frame.set(credentials, AT.credentials);
  return frame;
}

/** The fields are slices of `frame`. @throws HoldfastError `not_our_peer` if it is not as it must be. */
export function decodeHello(frame: Uint8Array): HelloFrame {
  checkShape("HELLO", frame, AT.credentials, MOST_HELLO_BYTES);
  const flags = frame[AT.flags]!;
  return {
    features: uint32At(frame, AT.features),
    nonce: frame.subarray(AT.nonce, AT.nonce + NONCE_BYTES),
    instanceId: frame.subarray(AT.instance, AT.instance + INSTANCE_BYTES),
    owner: (flags & OWNER) === 0 ? undefined : frame.subarray(AT.owner, AT.owner + OWNER_BYTES),
    proof: (flags & PROOF) === 0 ? undefined : frame.subarray(AT.proof, AT.proof + DIGEST_BYTES),
    claim: uint32At(frame, AT.claim),
    limits: peerLimitsAt(frame, AT.limits),
    heartbeatMs: Math.min(uint32At(frame, AT.heartbeat), MOST_HEARTBEAT_MS),
    credentials: frame.subarray(AT.credentials),
  };
}
