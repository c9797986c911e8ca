// What REFUSE means, as failures: on the client's side what the line makes of it, on the server's for counting.
import { HoldfastError, type FailureKind } from "../../failure.ts";
import { type CLOSE, REFUSE } from "../codes.ts";
import type { SessionEnd } from "../events.ts";
import type { Session } from "../session.ts";
import type { Instant } from "../../ports.ts";
import type { RefuseFrame } from "../wire/refuse.ts";
import type { ClientIdentity, ClientOutcome, LinkTrust } from "./surface.ts";

type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

const WORDS: Readonly<Record<number, readonly [code: string, text: string]>> = {
  [REFUSE.noSession]: ["no_session", "the relay does not know this session (any more)"],
  [REFUSE.stale]: ["stale", "a newer link has taken this one's place"],
  [REFUSE.desync]: ["desync", "the two ends do not agree on what was sent"],
  [REFUSE.version]: ["unsupported_version", "the two ends speak no version in common"],
  [REFUSE.busy]: ["busy", "the relay is busy"],
  [REFUSE.draining]: ["draining", "the relay is going away"],
  [REFUSE.auth]: ["unauthorized", "the secret or the credentials are not good"],
  [REFUSE.replaced]: ["replaced", "another instance of the same owner has taken over"],
};

/** A refusal in words, with the kind that it has for its reader. */
export function refusalFailure(code: number, kind: FailureKind, retryAfterMs?: number): HoldfastError {
  const [name, message] = WORDS[code] ?? ["refused", `the relay refused (code ${code})`];
  return new HoldfastError({ code: name, message, kind, fault: "peer", retryAfterMs });
}

/** What a client makes of a refusal that says nothing about a session. */
export function refused(refusal: RefuseFrame, failure: HoldfastError = failureOf(refusal)): ClientOutcome {
  const draining = refusal.code === REFUSE.draining;
  return {
    type: "refused",
    failure,
    reconnectWindowMs: draining ? refusal.retryAfterMs : undefined,
    alternative: refusal.alternative,
  };
}

/** No session on this link, for a reason of this end's own. */
export function hungUp(failure: HoldfastError): ClientOutcome {
  return { type: "refused", failure, reconnectWindowMs: undefined, alternative: undefined };
}

function failureOf({ code, retryAfterMs }: RefuseFrame): HoldfastError {
  // Without a hint the line's own delays, made longer by a live peer's refusal, are the better answer.
  if (code === REFUSE.busy && retryAfterMs > 0) return refusalFailure(code, "throttled", retryAfterMs);
  return refusalFailure(code, "transient");
}

/** HELLO was refused for what it said of its sender. */
export function authFailure(identity: ClientIdentity, trust: LinkTrust): HoldfastError {
  const base = { kind: "unauthorized", fault: "peer" } as const;
  if (identity.credentials !== undefined && !trust.confidential) {
    return new HoldfastError({
      ...base,
      code: "credentials_withheld",
      message: "the relay wants credentials, and nobody has verified who it is: they were not sent",
      hint: "give the relay's fingerprint, or use a relay with a certificate",
    });
  }
  if (identity.secretHash !== undefined) {
    return new HoldfastError({
      ...base,
      code: "bad_secret",
      message: "the relay refused the secret",
      hint: "the relay expects another one",
    });
  }
  if (identity.credentials !== undefined) {
    return new HoldfastError({
      ...base,
      code: "bad_credentials",
      message: "the relay refused the credentials",
    });
  }
  return new HoldfastError({
    ...base,
    code: "secret_required",
    message: "the relay wants a secret, and none is set",
    hint: "set the secret that the relay was given",
  });
}

/** The session cannot be resumed: end it, and say what the link is still good for. */
export function sessionLost(
  session: Session,
  failure: HoldfastError,
  code: CloseCode,
  now: Instant,
  then: { readonly hello: boolean; readonly newInstance: boolean },
): ClientOutcome {
  endSession(session, "session_lost", code, failure, now);
  return { type: "session_lost", failure, ...then };
}

/** End a session on this side alone, unless it has ended already. */
export function endSession(
  session: Session,
  reason: SessionEnd["reason"],
  code: CloseCode,
  error: HoldfastError,
  now: Instant,
): void {
  if (session.end === undefined) session.lose({ reason, code, clean: false, error }, now);
}
