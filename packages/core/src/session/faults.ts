// The failures that sessions report, each with what it means and what to do.
import { HoldfastError } from "../failure.ts";

/** What the peer said is wrong in a way that would be said again on every link. */
export function protocolError(what: string): HoldfastError {
  return new HoldfastError({
    code: "protocol_error",
    message: `the peer broke the session's protocol: ${what}`,
    kind: "transient",
    fault: "peer",
    hint: "a new session is begun; if this comes back the two ends do not fit together: compare their versions",
  });
}

export function outOfStep(what: string): HoldfastError {
  return new HoldfastError({
    code: "desync",
    message: `the two ends disagree about what was sent: ${what}`,
    fault: "peer",
    hint: "a new session is begun; what was under way in the old one is lost",
  });
}

/** Something that is not part of the session's sequence is wrong: only this link is at fault. */
export function notOurPeer(what: string): HoldfastError {
  return new HoldfastError({
    code: "not_our_peer",
    message: `this link carries something that is no session: ${what}`,
    fault: "network",
  });
}

export function noProgress(unackedBytes: number, waitedMs: number): HoldfastError {
  return new HoldfastError({
    code: "no_progress",
    message: `${unackedBytes} bytes were not acknowledged and nothing moved for ${waitedMs} ms`,
    fault: "network",
    hint: "the path may swallow large packets (MTU) or carry one direction only",
  });
}

export function closedByPeer(code: number, reason: string): HoldfastError {
  return new HoldfastError({
    code: "session_closed",
    message: `the peer closed the session (code ${code}${reason === "" ? "" : `, "${reason}"`})`,
    fault: "peer",
  });
}

export function sessionEnded(): HoldfastError {
  return new HoldfastError({
    code: "session_ended",
    message: "this session is over: no stream can be opened in it",
    fault: "local",
  });
}

export function goingAway(): HoldfastError {
  return new HoldfastError({
    code: "going_away",
    message: "the peer takes no new streams in this session",
    fault: "peer",
    hint: "open it in the next session",
  });
}

export function tooManyStreams(most: number): HoldfastError {
  return new HoldfastError({
    code: "limit",
    message: `${most} streams are open, which is all that the peer allows at a time`,
    fault: "peer",
    hint: "wait until one has ended",
  });
}

export function tooLong(what: string, bytes: number, most: number): HoldfastError {
  return new HoldfastError({
    code: "too_long",
    message: `${what} of ${bytes} bytes is longer than ${most}`,
    kind: "fatal",
    fault: "local",
  });
}

export function queueFull(queuedBytes: number): HoldfastError {
  return new HoldfastError({
    code: "queue_full",
    message: `${queuedBytes} bytes wait in this stream, which is its limit`,
    kind: "fatal",
    fault: "local",
    hint: "wait for the event writable after write returned false",
  });
}

export function datagramsOnly(id: number): HoldfastError {
  return new HoldfastError({
    code: "datagrams_only",
    message: `stream ${id} is a flow of datagrams and carries no bytes`,
    kind: "fatal",
    fault: "local",
  });
}

/** We said CLOSE, or would have, and cannot know whether it was heard. */
export function unconfirmed(): HoldfastError {
  return new HoldfastError({
    code: "unconfirmed",
    message: "the peer did not confirm the end of the session in time",
    fault: "network",
  });
}
