// A client's line and a host over an arena, with everything that a case wants to know of them.
import type { SessionEnd, SessionLimits } from "@holdfast/core/session";
import type { Clock } from "@holdfast/core";
import { nodeCrypto } from "../node/node-crypto.ts";
import { hostSessions } from "../session/session-host.ts";
import { openSession } from "../session/session-line.ts";
import type {
  AcceptedSession,
  OpenSessionOptions,
  SessionCrypto,
  SessionHandle,
  SessionHost,
  SessionHostOptions,
  SessionLine,
} from "../session/surface.ts";
import { demand, soon } from "./demands.ts";
import { hastyClock } from "./hasty-clock.ts";
import type { SessionArena } from "./session-arena.ts";
import { serve } from "./session-peer.ts";

export interface StageOptions {
  readonly limits?: Partial<SessionLimits>;
  readonly crypto?: SessionCrypto;
  /** How much faster time goes for the client's line. Default 1. */
  readonly haste?: number;
  readonly host?: Partial<SessionHostOptions>;
  readonly line?: Partial<OpenSessionOptions>;
}

export interface SessionStage {
  readonly arena: SessionArena;
  readonly line: SessionLine;
  readonly host: SessionHost;
  /** How each session of the client ended, in order, with the one that followed. */
  readonly losses: readonly SessionEnd[];
  /** All sessions that the host has had. */
  readonly accepted: readonly AcceptedSession[];
  /** The n-th session of the client, from 1, past or to come. */
  readonly session: (number?: number) => Promise<SessionHandle>;
}

/** Nothing ends by time but what a case lets end. */
const PATIENT_MS = 3_000_000;

/** Set up, run, take down; whatever happens, nothing stays behind. */
export async function onStage(
  arena: SessionArena,
  options: StageOptions,
  run: (stage: SessionStage) => Promise<void>,
): Promise<void> {
  const { limits = {}, crypto = nodeCrypto(), haste = 1 } = options;
  const clock: Clock = hastyClock(haste);
  const accepted: AcceptedSession[] = [];
  const host = hostSessions({
    crypto,
    limits,
    onSession: (session) => void accepted.push(session),
    onStream: (stream, session) => void serve(session, stream),
    ...options.host,
  });
  arena.listen((link) => host.take(link));
  const sessions: SessionHandle[] = [];
  const losses: SessionEnd[] = [];
  let wake: () => void = () => undefined;
  const line = openSession({
    dial: arena.dial,
    crypto,
    clock,
    limits: { noProgressMs: PATIENT_MS, ...limits },
    heartbeat: { intervalMs: 10_000 * haste, timeoutMs: 15_000 * haste },
    dialTimeoutMs: 10_000 * haste,
    failFast: false,
    backoff: { initialMs: 100, maxMs: 100 },
    onSession(session, lost) {
      sessions.push(session);
      if (lost !== undefined) losses.push(lost);
      wake();
    },
    ...options.line,
  });
  const session = async (number = 1): Promise<SessionHandle> => {
    for (;;) {
      const found = sessions[number - 1];
      if (found !== undefined) return found;
      await soon(new Promise<void>((resolve) => (wake = resolve)), `session ${number}`);
    }
  };
  try {
    await run({ arena, line, host, losses, accepted, session });
  } finally {
    await soon(line.close(), "the line's close");
    await soon(host.close(), "the host's close");
    demand(host.size === 0, "the host kept a session after its close");
  }
}
