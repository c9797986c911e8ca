// Every code that a frame may carry, by name. docs/PROTOCOL.md says what each asks of its reader.

/** What is wrong with a HELLO or a RESUME. */
export const REFUSE = {
  noSession: 1,
  stale: 2,
  desync: 3,
  version: 4,
  busy: 5,
  draining: 6,
  auth: 7,
  replaced: 8,
} as const;

/** Why a session ends (CLOSE), or its link goes away (DETACH). */
export const CLOSE = {
  done: 0,
  draining: 1,
  protocol: 2,
  desync: 3,
  replaced: 4,
  auth: 5,
  expired: 6,
  limit: 7,
} as const;

/** Why a stream ends before its time (RESET), or should (STOP). */
export const RESET = {
  cancelled: 1,
  /** The other side never looked at it: safe to try again. */
  notProcessed: 2,
  timeout: 3,
  socketFailed: 4,
  unreachable: 5,
  limit: 6,
  replaced: 7,
  /** Never on the wire: this end lost the session. */
  sessionLost: 8,
  noReader: 9,
} as const;

/** What a stream carries. `machine`: processes, connections and files of a machine (packages/remote). */
export const KIND = { control: 0, tcp: 1, udp: 2, machine: 3 } as const;

/** What both ends of a session may be able to do; HELLO_OK names a subset of HELLO's. */
export const FEATURE = { tlsBinding: 1, datagrams: 2, resume: 4 } as const;
