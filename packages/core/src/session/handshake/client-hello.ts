// The client's first handshake: HELLO, then HELLO_OK or REFUSE.
import { HoldfastError } from "../../failure.ts";
import { FEATURE, REFUSE } from "../codes.ts";
import type { Session } from "../session.ts";
import { FRAME } from "../wire/frame-types.ts";
import { LAST_CLAIM, NONCE_BYTES, VERSION, versionOf } from "../wire/handshake-frame.ts";
import { decodeHelloOk, type HelloOkFrame } from "../wire/hello-ok.ts";
import { encodeHello } from "../wire/hello.ts";
import { malformed } from "../wire/malformed.ts";
import { decodeRefuse } from "../wire/refuse.ts";
import type { ClientContext } from "./client-context.ts";
import { clientProofScope, NO_KEYS, resumeKeys } from "./keys.ts";
import { sameBytes } from "./proof.ts";
import { digest, nextFrame, type Part } from "./questions.ts";
import { authFailure, hungUp, refusalFailure, refused } from "./refusals.ts";
import type { ClientOutcome, LinkTrust, Resumption } from "./surface.ts";

const NOTHING = new Uint8Array();

export function* greet(at: ClientContext, session: Session): Part<ClientOutcome> {
  const { identity, instance, trust } = at;
  if (instance.claim >= LAST_CLAIM) return hungUp(claimsExhausted());
  instance.claim += 1;
  instance.nonce ??= at.entropy(NONCE_BYTES);
  const { nonce } = instance;
  const scope = clientProofScope(trust, nonce);
  const { secretHash } = identity;
  const proof = secretHash && (yield* digest(secretHash, ...scope("client")));
  const features = offeredFeatures(identity.features, trust, secretHash !== undefined);
  at.send(
    encodeHello({
      features,
      nonce,
      instanceId: instance.id,
      owner: identity.owner,
      proof,
      claim: instance.claim,
      limits: session.limits,
      heartbeatMs: identity.heartbeatMs,
      credentials: (trust.confidential ? identity.credentials : undefined) ?? NOTHING,
    }),
  );
  const frame = yield* nextFrame();
  if (frame[0] === FRAME.refuse) return helloRefused(at, frame);
  if (frame[0] !== FRAME.helloOk) throw malformed("HELLO was answered with another frame");
  if (versionOf(frame) !== VERSION) return hungUp(refusalFailure(REFUSE.version, "fatal"));
  const answer = decodeHelloOk(frame);
  if ((answer.features & ~features) !== 0) throw malformed("HELLO_OK has features that HELLO had not");
  if (secretHash !== undefined) checkServerProof(answer, yield* digest(secretHash, ...scope("server")));
  const resumable = (answer.features & FEATURE.resume) !== 0;
  const keys = resumable ? yield* resumeKeys(answer.secret) : NO_KEYS;
  if (session.end !== undefined) return hungUp(sessionEnded());
  instance.nonce = undefined;
  session.begin(answer.limits, answer.features, at.now);
  const proved = secretHash !== undefined && trust.exporter !== undefined;
  return {
    type: "greeted",
    resumption: resumptionOf(answer, session, keys),
    heartbeatMs: answer.heartbeatMs,
    authenticate: identity.credentials !== undefined && !trust.confidential && proved,
    rest: NOTHING,
  };
}

/** A session is resumed only where its secret travels unseen; a proof over the exporter shows that, too. */
function offeredFeatures(wanted: number, trust: LinkTrust, hasSecret: boolean): number {
  const unseen = trust.confidential || (hasSecret && trust.exporter !== undefined);
  if (!unseen) return wanted & ~(FEATURE.resume | FEATURE.tlsBinding);
  return trust.exporter === undefined ? wanted & ~FEATURE.tlsBinding : wanted;
}

function helloRefused(at: ClientContext, frame: Uint8Array): ClientOutcome {
  const refusal = decodeRefuse(frame);
  at.instance.nonce = undefined;
  if (refusal.code === REFUSE.auth) return refused(refusal, authFailure(at.identity, at.trust));
  if (refusal.code === REFUSE.version) return refused(refusal, refusalFailure(REFUSE.version, "fatal"));
  return refused(refusal);
}

/** Throws what says that the other end is not who it should be. */
function checkServerProof(answer: HelloOkFrame, expected: Uint8Array): void {
  if (answer.proof !== undefined && sameBytes(answer.proof, expected)) return;
  const message =
    answer.proof === undefined
      ? "the relay did not prove that it knows the secret: it has none, or it is not the relay"
      : "the relay's proof of the secret is wrong: somebody in between has answered";
  throw new HoldfastError({
    code: "identity_changed",
    message,
    kind: "fatal",
    fault: "peer",
    hint: "check that the relay has a secret, and that nobody stands between",
  });
}

function resumptionOf(
  answer: HelloOkFrame,
  session: Session,
  keys: Pick<Resumption, "clientKey" | "serverKey">,
): Resumption {
  return {
    sessionId: answer.sessionId,
    session,
    ...keys,
    features: answer.features,
    resumeTtlMs: answer.resumeTtlMs,
    reconnectWindowMs: answer.reconnectWindowMs,
  };
}

export function claimsExhausted(): HoldfastError {
  return new HoldfastError({
    code: "claims_exhausted",
    message: "this line has made as many links as can be numbered",
    kind: "fatal",
    fault: "local",
    hint: "start the program again",
  });
}

export function sessionEnded(): HoldfastError {
  return new HoldfastError({
    code: "session_ended",
    message: "the session ended while its link was being made",
    fault: "local",
  });
}
