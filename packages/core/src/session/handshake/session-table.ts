// The sessions that an accepting side has, by id and by the instance that each belongs to, and for a while what is left
// of those whose place another instance took.
import { toHex } from "./hex.ts";
import type { Instant } from "../../ports.ts";
import { CLOSE } from "../codes.ts";
import type { KeptSession } from "./kept-session.ts";
import type { ResumeKeys } from "./keys.ts";
import type { HelloRequest } from "./surface.ts";

/** Of a session that was replaced: enough to tell its client so, with a MAC. */
export interface EndedRecord {
  readonly keys: ResumeKeys;
  readonly features: number;
  readonly expiresAt: Instant;
}

/** Instances of one owner, and those that have none, are told apart by their ids alone. */
function instanceKey({ owner, instanceId }: Pick<HelloRequest, "owner" | "instanceId">): string {
  return `${owner === undefined ? "" : toHex(owner)}:${toHex(instanceId)}`;
}

export class SessionTable {
  /** At most `maxSessions` of the acceptor. */
  readonly #byId = new Map<string, KeptSession>();
  /** One for each of the sessions. */
  readonly #byInstance = new Map<string, KeptSession>();
  /** At most `#mostEnded`; the oldest goes first. */
  readonly #ended = new Map<string, EndedRecord>();
  readonly #mostEnded: number;
  /** No session expires before this. */
  #earliest: Instant = Infinity;

  constructor(mostEnded: number) {
    this.#mostEnded = mostEnded;
  }

  get size(): number {
    return this.#byId.size;
  }

  get endedRecords(): number {
    return this.#ended.size;
  }

  all(): IterableIterator<KeptSession> {
    return this.#byId.values();
  }

  byId(id: string): KeptSession | undefined {
    return this.#byId.get(id);
  }

  ofInstance(hello: HelloRequest): KeptSession | undefined {
    return this.#byInstance.get(instanceKey(hello));
  }

  ended(id: string): EndedRecord | undefined {
    return this.#ended.get(id);
  }

  add(kept: KeptSession): void {
    this.#byId.set(kept.id, kept);
    this.#byInstance.set(instanceKey(kept.hello), kept);
  }

  /** Forget a session; nothing happens if it is not there. */
  remove(kept: KeptSession): boolean {
    if (!this.#byId.delete(kept.id)) return false;
    const key = instanceKey(kept.hello);
    if (this.#byInstance.get(key) === kept) this.#byInstance.delete(key);
    return true;
  }

  /** Forget a session that has ended, but not that its place was taken. */
  retire(kept: KeptSession, now: Instant): void {
    if (!this.remove(kept) || kept.session.end?.code !== CLOSE.replaced) return;
    const { keys } = kept.details;
    const expiresAt = now + kept.resumeTtlMs;
    this.#ended.set(kept.id, { keys, features: kept.features, expiresAt });
    this.#earliest = Math.min(this.#earliest, expiresAt);
    for (const id of this.#ended.keys()) {
      if (this.#ended.size <= this.#mostEnded) break;
      this.#ended.delete(id);
    }
  }

  /** A session went away: it is kept until then. */
  expireAt(kept: KeptSession, at: Instant): void {
    kept.expiresAt = at;
    this.#earliest = Math.min(this.#earliest, at);
  }

  /** No later than the next expiry, and perhaps before it. */
  get nextExpiry(): Instant {
    return this.#earliest;
  }

  /** Drop records that are too old, and say which sessions are. */
  takeExpired(now: Instant): readonly KeptSession[] {
    if (now < this.#earliest) return [];
    this.#earliest = Infinity;
    for (const [id, { expiresAt }] of this.#ended) {
      if (expiresAt <= now) this.#ended.delete(id);
      else this.#earliest = Math.min(this.#earliest, expiresAt);
    }
    const expired: KeptSession[] = [];
    for (const kept of this.#byId.values()) {
      if (kept.expiresAt <= now) expired.push(kept);
      else this.#earliest = Math.min(this.#earliest, kept.expiresAt);
    }
    return expired;
  }
}
