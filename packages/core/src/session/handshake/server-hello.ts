// The server's answer to HELLO: is the client who it should be, may it have a session, and which one.
import { CLOSE, FEATURE, REFUSE } from "../codes.ts";
import type { PeerLimits } from "../limits.ts";
import {
  MOST_HEARTBEAT_MS,
  MOST_HINT_MS,
  MOST_RESUME_TTL_MS,
  SECRET_BYTES,
  SESSION_ID_BYTES,
  VERSION,
  versionOf,
} from "../wire/handshake-frame.ts";
import { encodeHelloOk } from "../wire/hello-ok.ts";
import { decodeHello, type HelloFrame } from "../wire/hello.ts";
import { toHex } from "./hex.ts";
import { KeptSession, type KeptSessionDetails } from "./kept-session.ts";
import { boundProof, NO_KEYS, ownerIdOf, type ProofScope, resumeKeys, unboundProof } from "./keys.ts";
import { sameBytes } from "./proof.ts";
import { decision, digest, type Part } from "./questions.ts";
import { endSession, refusalFailure } from "./refusals.ts";
import { type Answer, refuse, type ServerContext } from "./server-context.ts";
import type { HelloRequest, HelloVerdict, LinkTrust } from "./surface.ts";

const NOTHING = new Uint8Array();

/** A proof that was found good: the secret, and what it covers. */
interface Proved {
  readonly secretHash: Uint8Array;
  readonly scope: ProofScope;
}

export function* answerHello(at: ServerContext, frame: Uint8Array): Part<Answer, HelloRequest> {
  const { acceptor } = at;
  if (versionOf(frame) !== VERSION) return refuse(at, { code: REFUSE.version, retryAfterMs: 0 });
  const hello = decodeHello(frame);
  if (acceptor.door !== undefined) return refuse(at, acceptor.door);
  const secretHashes = acceptor.options.secretHashes?.() ?? [];
  const proved = yield* checkProof(at, hello, secretHashes);
  if (proved === undefined && secretHashes.length > 0) {
    return refuse(at, { code: REFUSE.auth, retryAfterMs: 0 });
  }
  const request = yield* requestOf(hello, proved !== undefined);
  const full = acceptor.table.ofInstance(request) === undefined ? acceptor.fullness : undefined;
  if (full !== undefined) return refuse(at, full);
  const verdict = yield* decision<HelloRequest, HelloVerdict>(request);
  if (verdict.type === "refuse") return refuse(at, verdict);

  // Everything that takes time is done before the step that decides which session it is: HELLOs of one instance may race.
  const proof = proved && (yield* digest(proved.secretHash, ...proved.scope("server")));
  const features = grantedFeatures(hello.features & acceptor.options.features, at.trust);
  const resumable = (features & FEATURE.resume) !== 0;
  const secret = resumable ? acceptor.options.entropy(SECRET_BYTES) : new Uint8Array(SECRET_BYTES);
  const keys = resumable ? yield* resumeKeys(secret) : NO_KEYS;
  const sessionId = acceptor.options.entropy(SESSION_ID_BYTES);
  return settle(at, proof, {
    id: toHex(sessionId),
    sessionId,
    secret,
    keys,
    hello: { ...request, credentials: NOTHING },
    nonce: hello.nonce.slice(),
    features,
    heartbeatMs: timeOf(verdict.heartbeatMs, MOST_HEARTBEAT_MS),
    resumeTtlMs: timeOf(verdict.resumeTtlMs, MOST_RESUME_TTL_MS),
    reconnectWindowMs: timeOf(verdict.reconnectWindowMs, MOST_HINT_MS),
    claim: hello.claim,
  });
}

function timeOf(ms: number, most: number): number {
  return Math.ceil(Math.max(0, Math.min(ms, most)));
}

/** The secret that the client has proved to know; with an exporter over that, else by name if that is allowed. */
function* checkProof(
  at: ServerContext,
  hello: HelloFrame,
  secretHashes: readonly Uint8Array[],
): Part<Proved | undefined> {
  if (hello.proof === undefined) return undefined;
  for (const scope of acceptableScopes(at, hello.nonce)) {
    for (const secretHash of secretHashes) {
      if (sameBytes(yield* digest(secretHash, ...scope("client")), hello.proof)) return { secretHash, scope };
    }
  }
  return undefined;
}

/** What a machine calls itself, besides paths of unix sockets and the addresses in 127.0.0.0/8. */
const LOCAL_NAMES: readonly string[] = ["name:localhost", "name:127.0.0.1", "name:::1"];

/**
 * A link without TLS that is confidential never leaves the machine: there is nothing to bind a proof to, and nobody to
 * pass it on. But a proxy there may have brought it from elsewhere, so without `allowUnboundProofs` only a client that
 * itself has dialled this machine is believed.
 */
function acceptableScopes({ acceptor, trust }: ServerContext, nonce: Uint8Array): readonly ProofScope[] {
  const { allowUnboundProofs = false, relayIdentities } = acceptor.options;
  const bound = trust.exporter === undefined ? [] : [boundProof(trust.exporter)];
  const own = relayIdentities ?? [trust.relayIdentity];
  const local = trust.confidential && trust.exporter === undefined;
  const names = [
    ...(allowUnboundProofs ? own : []),
    ...(local ? LOCAL_NAMES : []),
    ...(local && /^name:(\/|127\.)/.test(trust.relayIdentity) ? [trust.relayIdentity] : []),
  ];
  return [...bound, ...[...new Set(names)].map((name) => unboundProof(nonce, name))];
}

function* requestOf(hello: HelloFrame, proved: boolean): Part<HelloRequest> {
  const { credentials, features, heartbeatMs, limits } = hello;
  // Copies: a session keeps them for as long as it lives, and not the whole frame with them.
  const instanceId = hello.instanceId.slice();
  const owner = hello.owner?.slice();
  const ownerId = owner && (yield* ownerIdOf(owner));
  return { instanceId, owner, ownerId, proved, credentials, features, heartbeatMs, limits };
}

/** The secret of a session must not be seen, and can be bound only to a TLS connection that ends here. */
function grantedFeatures(wanted: number, trust: LinkTrust): number {
  if (!trust.confidential || (wanted & FEATURE.resume) === 0) {
    return wanted & ~(FEATURE.resume | FEATURE.tlsBinding);
  }
  return trust.exporter === undefined ? wanted & ~FEATURE.tlsBinding : wanted;
}

/** In one step: the session that this instance has already, if this is its HELLO again, or a new one. */
function settle(
  at: ServerContext,
  proof: Uint8Array | undefined,
  granted: Omit<KeptSessionDetails, "session">,
): Answer {
  const { acceptor } = at;
  const { claim, hello } = granted;
  const before = acceptor.table.ofInstance(hello);
  if (before !== undefined && before.session.end === undefined) {
    const repeated = sameBytes(before.details.nonce, granted.nonce);
    if (claim <= before.claim || (repeated && !before.untouched)) {
      return refuse(at, { code: REFUSE.stale, retryAfterMs: 0 });
    }
    if (repeated && before.features === granted.features && sameLimits(before.hello.limits, hello.limits)) {
      return repeat(at, before, claim, proof);
    }
    endSession(before.session, "replaced", CLOSE.replaced, refusalFailure(REFUSE.replaced, "fatal"), at.now);
    at.dismiss(before);
  } else if (before !== undefined) {
    acceptor.release(before, at.now);
  }
  const full = acceptor.fullness;
  if (full !== undefined) return refuse(at, full);
  const kept = new KeptSession({ ...granted, session: acceptor.options.newSession() });
  acceptor.table.add(kept);
  at.adopt(kept, claim);
  kept.session.begin(hello.limits, granted.features, at.now);
  at.send(helloOk(kept, proof));
  return { type: "attached", session: kept, fresh: true };
}

function sameLimits(a: PeerLimits, b: PeerLimits): boolean {
  return (
    a.maxFrameBytes === b.maxFrameBytes &&
    a.initialCredit === b.initialCredit &&
    a.maxStreams === b.maxStreams &&
    a.replayBytes === b.replayBytes
  );
}

/** HELLO_OK was lost on its way: the same session again, from position 0. */
function repeat(at: ServerContext, kept: KeptSession, claim: number, proof: Uint8Array | undefined): Answer {
  at.adopt(kept, claim);
  kept.session.resume({ rx: 0, txLow: 0 }, at.now);
  at.send(helloOk(kept, proof));
  return { type: "attached", session: kept, fresh: false };
}

function helloOk({ details, session }: KeptSession, proof: Uint8Array | undefined): Uint8Array {
  const { features, sessionId, secret, heartbeatMs, resumeTtlMs, reconnectWindowMs } = details;
  const { limits } = session;
  return encodeHelloOk({
    features,
    sessionId,
    secret,
    proof,
    limits,
    heartbeatMs,
    resumeTtlMs,
    reconnectWindowMs,
  });
}
