// The server's answer to RESUME: is it authentic, is it the newest, and do both ends agree on where they stand.
import { FEATURE, REFUSE } from "../codes.ts";
import { NONCE_BYTES, VERSION, versionOf } from "../wire/handshake-frame.ts";
import {
  decodeResume,
  encodeResumeOk,
  putResumeOkMac,
  resumeMac,
  resumeMacInput,
  resumeOkMacInput,
} from "../wire/resume.ts";
import { toHex } from "./hex.ts";
import type { KeptSession } from "./kept-session.ts";
import type { ResumeKeys } from "./keys.ts";
import { sameBytes } from "./proof.ts";
import { digest, type Part } from "./questions.ts";
import { refusalFailure } from "./refusals.ts";
import { type Answer, refuse, refuseAuthentically, type ServerContext } from "./server-context.ts";

const NO_SESSION = { code: REFUSE.noSession, retryAfterMs: 0 } as const;

export function* answerResume(at: ServerContext, frame: Uint8Array): Part<Answer> {
  const { table, door } = at.acceptor;
  if (versionOf(frame) !== VERSION) return refuse(at, { code: REFUSE.version, retryAfterMs: 0 });
  const request = decodeResume(frame);
  if (door?.resumes === true) return refuse(at, door);
  const id = toHex(request.sessionId);
  const keys = yield* authentic(at, id, frame);
  if (keys === undefined) return refuse(at, NO_SESSION);

  // The proof took its time: what was true when it was asked for may not be true any more.
  const kept = table.byId(id);
  if (kept === undefined || kept.session.end !== undefined) {
    if (kept !== undefined) at.acceptor.release(kept, at.now);
    if (table.ended(id) === undefined) return refuse(at, NO_SESSION);
    return yield* refuseAuthentically(at, REFUSE.replaced, keys.serverKey, resumeMac(frame));
  }
  if (request.claim <= kept.claim) {
    return yield* refuseAuthentically(at, REFUSE.stale, keys.serverKey, resumeMac(frame));
  }
  at.adopt(kept, request.claim);
  // Sampled now that nothing more comes on the old link: before, it would have been too low.
  const answer = encodeResumeOk({
    claim: request.claim,
    nonce: at.acceptor.options.entropy(NONCE_BYTES),
    position: kept.session.position,
  });
  putResumeOkMac(answer, yield* digest(keys.serverKey, resumeOkMacInput(answer), resumeMac(frame)));

  if (!at.holds(kept)) {
    return { type: "refused", failure: refusalFailure(REFUSE.stale, "transient"), again: false };
  }
  if (kept.session.end !== undefined) {
    at.acceptor.release(kept, at.now);
    return refuse(at, NO_SESSION);
  }
  if (!kept.session.resume(request.position, at.now)) {
    at.acceptor.release(kept, at.now);
    return yield* refuseAuthentically(at, REFUSE.desync, keys.serverKey, resumeMac(frame));
  }
  at.send(answer);
  return { type: "attached", session: kept, fresh: false };
}

/** The keys of the session, if its client holds them too. Unknown sessions cost as much as known ones. */
function* authentic(at: ServerContext, id: string, frame: Uint8Array): Part<ResumeKeys | undefined> {
  const { table, dummyKey } = at.acceptor;
  const known = resumable(table.byId(id)) ?? table.ended(id);
  const { exporter } = at.trust;
  const bound = known === undefined || (known.features & FEATURE.tlsBinding) !== 0;
  const usable = known !== undefined && at.trust.confidential && !(bound && exporter === undefined);
  const keys = usable ? keysOf(known) : undefined;
  const binding = bound && exporter !== undefined ? [exporter] : [];
  const mac = yield* digest(keys?.clientKey ?? dummyKey, resumeMacInput(frame), ...binding);
  return sameBytes(mac, resumeMac(frame)) ? keys : undefined;
}

function resumable(kept: KeptSession | undefined): KeptSession | undefined {
  return kept !== undefined && (kept.features & FEATURE.resume) !== 0 ? kept : undefined;
}

function keysOf(known: KeptSession | { readonly keys: ResumeKeys }): ResumeKeys {
  return "keys" in known ? known.keys : known.details.keys;
}
