// How a session ended, as the failure of its line: the kind decides whether the line goes on.
import { HoldfastError, type FailureKind } from "@holdfast/core";
import { CLOSE, type SessionEnd } from "@holdfast/core/session";

interface Known {
  readonly code: string;
  readonly message: string;
  readonly kind?: FailureKind;
}

/** What each code of CLOSE means for a line that goes on. */
const ENDED: Readonly<Record<number, Known>> = {
  [CLOSE.done]: { code: "closed_by_peer", message: "the other side closed the session" },
  [CLOSE.draining]: { code: "restarting", message: "the other side drains: it will be back" },
  [CLOSE.protocol]: { code: "session_lost", message: "the session broke the rules of its protocol" },
  [CLOSE.desync]: { code: "session_lost", message: "the two sides of the session were out of step" },
  [CLOSE.auth]: {
    code: "unauthorized",
    message: "the other side no longer accepts the credentials",
    kind: "unauthorized",
  },
  [CLOSE.expired]: { code: "session_expired", message: "the session had been away for too long" },
  [CLOSE.limit]: { code: "limit", message: "the other side has reached a limit" },
};

export function failureOfEnd(end: SessionEnd): HoldfastError {
  const { error: cause } = end;
  if (end.reason === "replaced" || end.code === CLOSE.replaced) return replaced(cause);
  const known = ENDED[end.code] ?? { code: "session_lost", message: "the session is lost" };
  const message = cause === undefined ? known.message : `${known.message}: ${cause.text}`;
  return new HoldfastError({ ...known, message, fault: "peer", hint: cause?.hint, cause });
}

function replaced(cause: HoldfastError | undefined): HoldfastError {
  return new HoldfastError({
    code: "replaced",
    message: "another instance has taken the place of this one",
    kind: "fatal",
    fault: "peer",
    hint: "only one of the two can have it: stop one of them",
    cause,
  });
}
