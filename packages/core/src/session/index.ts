// The public names of sessions.
export { CLOSE, FEATURE, KIND, REFUSE, RESET } from "./codes.ts";
export type { SessionEnd, SessionEvent } from "./events.ts";
export { sameBytes } from "./handshake/proof.ts";
export type { Entropy, HmacRequest } from "./handshake/proof.ts";
export type {
  ClientIdentity,
  ClientOutcome,
  HandshakeStep,
  HelloRequest,
  HelloVerdict,
  LinkTrust,
  Resumption,
} from "./handshake/surface.ts";
export { DEFAULT_SESSION_LIMITS, resolveSessionLimits } from "./limits.ts";
export type { PeerLimits, SessionLimits } from "./limits.ts";
export { Pool } from "./pool.ts";
export type { Session, SessionFigures, SessionOptions, SessionPosition } from "./session.ts";
export type { SessionStream, StreamEnd } from "./stream.ts";
