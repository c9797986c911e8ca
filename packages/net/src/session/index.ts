// The public names of sessions over lines. Nothing here needs Node.
export { hostSessions } from "./session-host.ts";
export { openSession } from "./session-line.ts";
export { streamFailure } from "./stream-failure.ts";
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
export { webCrypto } from "./web-crypto.ts";
export { webStream } from "./web-stream.ts";
export type { PlatformReadable, PlatformWritable, WebStreamPair } from "./web-stream.ts";
