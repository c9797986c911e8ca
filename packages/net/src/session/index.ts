// The public names of sessions over lines. Nothing here needs Node.
export type {
  AcceptedSession,
  OpenSessionOptions,
  SessionCrypto,
  SessionHandle,
  SessionHost,
  SessionHostOptions,
  SessionLine,
  SessionLink,
  SessionListener,
  StreamListener,
} from "./surface.ts";
