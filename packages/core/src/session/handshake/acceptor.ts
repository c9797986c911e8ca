// All sessions of an accepting side: which there are, which link each is on, and how long each is waited for. The
// handshakes of its links ask it, and change it in single steps, so that they may race as they like.
import { HoldfastError } from "../../failure.ts";
import type { Instant } from "../../ports.ts";
import { CLOSE, FEATURE, REFUSE } from "../codes.ts";
import type { Session } from "../session.ts";
import { DIGEST_BYTES } from "../wire/handshake-frame.ts";
import type { KeptSession } from "./kept-session.ts";
import type { Entropy } from "./proof.ts";
import { endSession, refusalFailure } from "./refusals.ts";
import { SessionTable } from "./session-table.ts";
import type { Refusal, ServerSession } from "./surface.ts";

export interface AcceptorOptions {
  readonly entropy: Entropy;
  /** Make the session of a HELLO that was accepted; its role is `server`. */
  readonly newSession: () => Session;
  /** Bits of `FEATURE` that are granted where the link can carry them. */
  readonly features: number;
  /** SHA-256 of each shared secret that is good now; with at least one, no HELLO without a proof is heard. Default: none. */
  readonly secretHashes?: () => readonly Uint8Array[];
  /** Proofs that do not cover a TLS exporter are taken too. Default `false`. */
  readonly allowUnboundProofs?: boolean;
  /**
   * Names by which clients know this relay, as in `LinkTrust.relayIdentity`, for proofs without an exporter. Each costs
   * such a HELLO an HMAC. Default: the link's own, which is worth something only if the listener has let no name pass
   * that is not ours: whoever passes a client's HELLO on to us chooses what name they ask for.
   */
  readonly relayIdentities?: readonly string[];
  /** Sessions at a time; HELLOs beyond are told BUSY. Default 10,000. */
  readonly maxSessions?: number;
  /** What a client is told when there are too many, in milliseconds. Default 5,000. */
  readonly fullRetryAfterMs?: number;
  /** Replaced sessions that are remembered, to tell their clients so. Default 4,096. */
  readonly maxEndedRecords?: number;
}

/** Whom the acceptor turns away unheard, and how. */
export interface ClosedDoor extends Refusal {
  /** Sessions that are here already may not come back either. */
  readonly resumes: boolean;
}

export class Acceptor {
  readonly options: AcceptorOptions;
  /** For handshakes only. */
  readonly table: SessionTable;
  /** The key that RESUMEs of unknown sessions are checked with, so that they take as long as others. */
  readonly dummyKey: Uint8Array;
  /** Set to refuse all new sessions (draining, overload); `undefined` lets them in again. */
  door: ClosedDoor | undefined = undefined;
  readonly #maxSessions: number;

  constructor(options: AcceptorOptions) {
    this.options = options;
    this.table = new SessionTable(options.maxEndedRecords ?? 4_096);
    this.dummyKey = options.entropy(DIGEST_BYTES);
    this.#maxSessions = options.maxSessions ?? 10_000;
  }

  /** Sessions, attached or away. */
  get size(): number {
    return this.table.size;
  }

  sessions(): IterableIterator<ServerSession> {
    return this.table.all();
  }

  /** By the hex of its id. */
  find(id: string): ServerSession | undefined {
    return this.table.byId(id);
  }

  /** Why there is no room for one session more. */
  get fullness(): Refusal | undefined {
    if (this.table.size < this.#maxSessions) return undefined;
    return { code: REFUSE.busy, retryAfterMs: this.options.fullRetryAfterMs ?? 5_000 };
  }

  /** A session has ended: forget it, but tell who asks for one that was replaced. Safe to call again. */
  release(session: ServerSession, now: Instant): void {
    const kept = this.table.byId(session.id);
    if (kept === session) this.table.retire(kept, now);
  }

  /** When `timeout` must be called; `Infinity` for never. */
  nextTimeout(): Instant {
    return this.table.nextExpiry;
  }

  /** Sessions that were away for too long end as `expired`. */
  timeout(now: Instant): void {
    for (const kept of this.table.takeExpired(now)) {
      const error = new HoldfastError({
        code: "expired",
        message: `the session was away for more than ${kept.resumeTtlMs} ms`,
        kind: "fatal",
      });
      endSession(kept.session, "expired", CLOSE.expired, error, now);
      this.table.remove(kept);
    }
  }

  /** For handshakes: a link has the session from now on. @returns whether another link had it. */
  adopt(kept: KeptSession, holder: object, claim: number, now: Instant): boolean {
    const displaced = kept.holder !== undefined;
    kept.session.detach(now);
    kept.claim = claim;
    kept.holder = holder;
    kept.expiresAt = Infinity;
    return displaced;
  }

  /** For handshakes: the link is gone. Nothing happens if another has the session now. */
  letGo(kept: KeptSession, holder: object, now: Instant): void {
    if (kept.holder !== holder) return;
    kept.holder = undefined;
    kept.session.detach(now);
    if (kept.session.end !== undefined) return this.release(kept, now);
    if ((kept.features & FEATURE.resume) !== 0) return this.table.expireAt(kept, now + kept.resumeTtlMs);
    const failure = refusalFailure(REFUSE.noSession, "transient");
    endSession(kept.session, "session_lost", CLOSE.expired, failure, now);
    this.release(kept, now);
  }
}
