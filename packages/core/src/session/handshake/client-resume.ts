// The client's handshake on each later link: RESUME, then RESUME_OK or REFUSE.
import { HoldfastError } from "../../failure.ts";
import { CLOSE, FEATURE, REFUSE } from "../codes.ts";
import { FRAME } from "../wire/frame-types.ts";
import { LAST_CLAIM, NONCE_BYTES } from "../wire/handshake-frame.ts";
import { malformed } from "../wire/malformed.ts";
import { decodeRefuse, refuseMac, refuseMacInput, type RefuseFrame } from "../wire/refuse.ts";
import {
  decodeResumeOk,
  encodeResume,
  putResumeMac,
  resumeMac,
  resumeMacInput,
  resumeOkMac,
  resumeOkMacInput,
} from "../wire/resume.ts";
import type { ClientContext } from "./client-context.ts";
import { claimsExhausted, sessionEnded } from "./client-hello.ts";
import { sameBytes } from "./proof.ts";
import { digest, nextFrame, type Part } from "./questions.ts";
import { endSession, hungUp, refusalFailure, refused, sessionLost } from "./refusals.ts";
import type { ClientOutcome, LinkTrust, Resumption } from "./surface.ts";

const NOTHING = new Uint8Array();

export function* resume(at: ClientContext, resumption: Resumption): Part<ClientOutcome> {
  const { instance, trust } = at;
  const { session } = resumption;
  const unable = inability(at, resumption);
  if (unable !== undefined) return unable;

  // One step: from here on the old link is gone, whatever comes. If it were read on, those bytes would come again.
  instance.claim += 1;
  const { claim } = instance;
  session.detach(at.now);
  const frame = encodeResume({
    sessionId: resumption.sessionId,
    claim,
    nonce: at.entropy(NONCE_BYTES),
    position: session.position,
  });
  const exporter = isBound(resumption) && trust.exporter !== undefined ? [trust.exporter] : [];
  putResumeMac(frame, yield* digest(resumption.clientKey, resumeMacInput(frame), ...exporter));
  at.send(frame);

  const answerFrame = yield* nextFrame();
  if (answerFrame[0] === FRAME.refuse) return yield* resumeRefused(at, resumption, frame, answerFrame);
  if (answerFrame[0] !== FRAME.resumeOk) throw malformed("RESUME was answered with another frame");
  const answer = decodeResumeOk(answerFrame);
  const mac = yield* digest(resumption.serverKey, resumeOkMacInput(answerFrame), resumeMac(frame));
  if (!sameBytes(mac, resumeOkMac(answerFrame))) throw malformed("RESUME_OK is not authentic");
  if (answer.claim !== claim) throw malformed("RESUME_OK answers another claim");
  if (session.end !== undefined) return hungUp(sessionEnded());
  if (session.resume(answer.position, at.now)) return { type: "resumed", rest: NOTHING };
  // The server thinks that it is attached to this link, so there is no second HELLO on it.
  const failure = refusalFailure(REFUSE.desync, "transient");
  return { type: "session_lost", failure, hello: false, newInstance: false };
}

/** Why there is nothing to send on this link; nothing has happened then to the session's old one. */
function inability(at: ClientContext, resumption: Resumption): ClientOutcome | undefined {
  const { session, features } = resumption;
  if (session.end !== undefined) return hungUp(sessionEnded());
  if ((features & FEATURE.resume) === 0) {
    const failure = refusalFailure(REFUSE.noSession, "transient");
    return sessionLost(session, failure, CLOSE.expired, at.now, { hello: true, newInstance: false });
  }
  if (at.instance.claim >= LAST_CLAIM) {
    return sessionLost(session, claimsExhausted(), CLOSE.limit, at.now, { hello: true, newInstance: true });
  }
  if (canCarry(resumption, at.trust)) return undefined;
  return hungUp(
    new HoldfastError({
      code: "link_not_confidential",
      message: "the session was begun on a link that nobody can read, and this link is none",
      fault: "local",
      hint: "use the same scheme as before",
    }),
  );
}

function isBound({ features }: Resumption): boolean {
  return (features & FEATURE.tlsBinding) !== 0;
}

/** A bound session proves by its MACs that nobody stands between; another needs a link that was verified already. */
function canCarry(resumption: Resumption, trust: LinkTrust): boolean {
  return isBound(resumption) ? trust.exporter !== undefined : trust.confidential;
}

const AUTHENTIC: ReadonlySet<number> = new Set([REFUSE.stale, REFUSE.desync, REFUSE.replaced]);

function* resumeRefused(
  at: ClientContext,
  resumption: Resumption,
  resumeFrame: Uint8Array,
  frame: Uint8Array,
): Part<ClientOutcome> {
  const refusal = decodeRefuse(frame);
  if (AUTHENTIC.has(refusal.code)) {
    const mac = yield* digest(resumption.serverKey, refuseMacInput(frame), resumeMac(resumeFrame));
    if (!sameBytes(mac, refuseMac(frame))) throw malformed("a refusal that is not authentic");
  }
  return resumeAnswer(at, resumption, refusal);
}

function resumeAnswer(at: ClientContext, { session }: Resumption, refusal: RefuseFrame): ClientOutcome {
  const { code } = refusal;
  const failure = refusalFailure(code, "transient");
  switch (code) {
    case REFUSE.noSession:
      // Anybody can say this one, so it counts only from a server that was verified.
      if (!at.trust.confidential) return refused(refusal);
      return sessionLost(session, failure, CLOSE.expired, at.now, { hello: true, newInstance: false });
    case REFUSE.stale:
      // We sent the highest claim of all that we know of: somebody else has our state.
      return sessionLost(session, failure, CLOSE.replaced, at.now, { hello: true, newInstance: true });
    case REFUSE.desync:
      return sessionLost(session, failure, CLOSE.desync, at.now, { hello: true, newInstance: false });
    case REFUSE.version: {
      if (!at.trust.confidential) return refused(refusal);
      const fatal = refusalFailure(code, "fatal");
      endSession(session, "session_lost", CLOSE.protocol, fatal, at.now);
      return refused(refusal, fatal);
    }
    case REFUSE.replaced: {
      const fatal = refusalFailure(code, "fatal");
      endSession(session, "replaced", CLOSE.replaced, fatal, at.now);
      return refused(refusal, fatal);
    }
    case REFUSE.auth:
      throw malformed("RESUME was refused for its credentials, of which it has none");
    default:
      return refused(refusal);
  }
}
