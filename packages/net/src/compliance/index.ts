// The suite that every transport passes.
export type { Arena, ByteChannel } from "./arena.ts";
export { browserArena, tlsArena, webSocketArena } from "./holdfast-arena.ts";
export { holdfastSessionArena } from "./holdfast-session-arena.ts";
export { memoryArena } from "./memory-arena.ts";
export { recordAttempt } from "./recorded-attempt.ts";
export type { RecordedAttempt } from "./recorded-attempt.ts";
export { tcpArena, unixArena } from "./socket-arena.ts";
export { sessionCompliance } from "./session.ts";
export { memorySessionArena, socketSessionArena } from "./session-arena.ts";
export type { DialSocket, SessionArena } from "./session-arena.ts";
export { socketChannel } from "./socket-channel.ts";
export { transportCases, transportCompliance } from "./transport.ts";
export type { ComplianceCase, Exceptions, Runner } from "./transport.ts";
