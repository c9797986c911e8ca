// How CLOSE is read: what its code means for the session, and whether everything arrived.
import { CLOSE } from "./codes.ts";
import type { SessionEnd } from "./events.ts";
import { closedByPeer } from "./faults.ts";
import type { ReplayLog } from "./replay-log.ts";
import type { Stream } from "./stream-state.ts";

/** The end of a session whose peer said CLOSE. */
export function endByPeer(code: number, reason: string, clean: boolean): SessionEnd {
  const orderly = clean && (code === CLOSE.done || code === CLOSE.draining);
  return {
    reason: reasonOf(code),
    code,
    clean,
    error: orderly ? undefined : closedByPeer(code, reason),
  };
}

/** Whether the peer has all that was said here, but for what no longer matters, and nothing waits to be said. */
export function allArrived(log: ReplayLog, streams: Iterable<Stream>): boolean {
  if (log.acked < log.weightyEnd) return false;
  for (const { sending } of streams) {
    if (sending.queue.bytes > 0 || sending.finDue || sending.openDue || sending.resetDue !== undefined) {
      return false;
    }
  }
  return true;
}

function reasonOf(code: number): SessionEnd["reason"] {
  switch (code) {
    case CLOSE.replaced:
      return "replaced";
    case CLOSE.expired:
      return "expired";
    case CLOSE.protocol:
    case CLOSE.desync:
      return "session_lost";
    default:
      return "closed";
  }
}
