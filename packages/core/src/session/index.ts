// The public names of sessions.
export { CLOSE, FEATURE, KIND, REFUSE, RESET } from "./codes.ts";
export type { SessionEnd, SessionEvent } from "./events.ts";
export { Acceptor } from "./handshake/acceptor.ts";
export type { AcceptorOptions, ClosedDoor } from "./handshake/acceptor.ts";
export { ClientHandshake } from "./handshake/client.ts";
export type { ClientHandshakeOptions } from "./handshake/client.ts";
export { sameBytes } from "./handshake/proof.ts";
export type { Entropy, HmacRequest } from "./handshake/proof.ts";
export { ServerHandshake } from "./handshake/server.ts";
export type { ServerHandshakeOptions } from "./handshake/server.ts";
export { newInstance } from "./handshake/surface.ts";
export type {
  ClientIdentity,
  ClientOutcome,
  HandshakeStep,
  HelloRequest,
  HelloVerdict,
  Instance,
  LinkTrust,
  Refusal,
  Resumption,
  ServerOutcome,
  ServerSession,
  ServerStep,
} from "./handshake/surface.ts";
export { DEFAULT_SESSION_LIMITS, resolveSessionLimits } from "./limits.ts";
export type { PeerLimits, SessionLimits } from "./limits.ts";
export { Pool } from "./pool.ts";
export { createSession } from "./create-session.ts";
export type { Session, SessionFigures, SessionOptions, SessionPosition } from "./session.ts";
export type { SessionStream, StreamEnd } from "./stream.ts";
